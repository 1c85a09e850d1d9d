// What lies in the TIMERS stream beside the attempts themselves: a change that took a waiting timer's place.
import { Schema } from "effect"
import { Attempt } from "./Events.ts"
import { Instant, Reason } from "./fields/Fields.ts"

const about = {
  /** The command that asked for it. */
  cause: Schema.String,
  /** The attempt whose timer was taken away, and when it would have fired. */
  old: Attempt,
  firesAt: Instant,
  reason: Schema.optionalKey(Reason)
}

/** Takes the place of a waiting timer in one step with its removal, and is itself work to be done. */
export const TimerChange = Schema.Union([
  Schema.Struct({ change: Schema.Literal("cancel"), ...about }),
  Schema.Struct({ change: Schema.Literal("reschedule"), ...about, attempt: Attempt })
]).annotate({ identifier: "TimerChange" })
export type TimerChange = typeof TimerChange.Type
