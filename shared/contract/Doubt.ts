// Of a try that was interrupted nobody knows what became of it, but the gateway that was lost in the middle of it: should it
// come back, it says so. Pure.
import type { Attempt } from "./Events.ts"
import type { ErrorCategory } from "./Fields.ts"

/** What an attempt carries from its first interrupted try on. `reason` is that of its failure. */
export const inDoubt = ({
  interruptedSince,
  reason,
  sendAt
}: Pick<Attempt, "interruptedSince" | "sendAt"> & { readonly reason?: string }): Pick<Attempt, "interruptedSince"> => {
  const since = interruptedSince ?? (reason === "interrupted" ? sendAt : undefined)
  return since === undefined ? {} : { interruptedSince: since }
}

/** Whether this try, or one before it, may have reached the recipient. `category` is that of its failure. */
export const mayHaveArrived = ({
  category,
  possibleDuplicate
}: Pick<Attempt, "possibleDuplicate"> & { readonly category?: ErrorCategory }): boolean =>
  possibleDuplicate || category === "unknown"

/** What the end of a message says that is not sent any more. */
export const possiblyArrived = (last: Parameters<typeof mayHaveArrived>[0]): { readonly possiblyArrived?: true } =>
  mayHaveArrived(last) ? { possiblyArrived: true } : {}
