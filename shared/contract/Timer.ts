// What lies in the TIMERS stream between scheduler and dispatcher: attempts that are due, and cancellations.
import { Schema } from "effect"
import { Instant, MessageId, Platform, Reason } from "./Fields.ts"

export const CancelledTimer = Schema.Struct({
  id: MessageId,
  platform: Platform,
  dueAt: Instant,
  at: Instant,
  reason: Schema.optionalKey(Reason)
}).annotate({ identifier: "CancelledTimer" })
export type CancelledTimer = typeof CancelledTimer.Type
