// Of a try that was interrupted nobody knows what became of it, but the gateway that was lost in the middle of it: should it
// come back, it says so. Pure.
import type { Attempt } from "./Events.ts"

/** What an attempt carries from its first interrupted try on. `reason` is that of its failure. */
export const inDoubt = ({
  interruptedSince,
  reason,
  sendAt
}: Pick<Attempt, "interruptedSince" | "sendAt"> & { readonly reason?: string }): Pick<Attempt, "interruptedSince"> => {
  const since = interruptedSince ?? (reason === "interrupted" ? sendAt : undefined)
  return since === undefined ? {} : { interruptedSince: since }
}
