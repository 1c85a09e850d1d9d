// A message that was given up, or whose outcome nobody knows: kept whole until an operator decides.
import { Schema } from "effect"
import { Attempt } from "./Events.ts"
import { ErrorCategory, Instant } from "./fields/Fields.ts"

/** `attempt` is the last one. */
export const DeadLetter = Schema.Struct({
  state: Schema.Literals(["failed", "unknown"]),
  at: Instant,
  ...Attempt.fields,
  category: ErrorCategory,
  reason: Schema.String,
  /** The command that is being carried out on it, and no other one; and since when it is kept, in milliseconds. */
  decided: Schema.optionalKey(Schema.Struct({ by: Schema.String, keptSince: Schema.Number }))
}).annotate({ identifier: "DeadLetter" })
export type DeadLetter = typeof DeadLetter.Type
