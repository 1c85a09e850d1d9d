// Of a try that was interrupted nobody knows what became of it, but the gateway that was lost in the middle of it: should it
// come back, it says so. Pure.
import type { Attempt } from "./Events.ts"
import type { ErrorCategory } from "./fields/Fields.ts"

/** What an attempt carries from its first interrupted try on. `reason` is that of its failure. */
export const inDoubt = ({
  interruptedSince,
  reason,
  sendAt
}: Pick<Attempt, "interruptedSince" | "sendAt"> & { readonly reason?: string }): Pick<Attempt, "interruptedSince"> => {
  const since = interruptedSince ?? (reason === "interrupted" ? sendAt : undefined)
  return since === undefined ? {} : { interruptedSince: since }
}

interface Tried extends Pick<Attempt, "partsSent" | "possibleDuplicate"> {
  readonly category?: ErrorCategory
}

/** Whether this try, or one before it, may have reached the recipient with what the next one sends again. `category` is that of its failure. */
export const mayHaveArrived = ({ category, possibleDuplicate }: Tried): boolean =>
  possibleDuplicate || category === "unknown"

/** The same, with the parts that the next try would not send again. */
export const mayHaveArrivedInPart = (last: Tried): boolean => mayHaveArrived(last) || (last.partsSent ?? 0) > 0

/** What the end of a message says that is not sent any more. */
export const possiblyArrived = (last: Tried): { readonly possiblyArrived?: true } =>
  mayHaveArrivedInPart(last) ? { possiblyArrived: true } : {}
