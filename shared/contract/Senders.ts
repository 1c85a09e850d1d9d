// What is known of a sender beside its messages: what operators ordered, and how it fares. Kept in the SENDERS stream.
import { Schema } from "effect"
import { CircuitState, Instant } from "./fields/Fields.ts"

/** Written by the scheduler, on the commands pause, resume and drop. */
export const Orders = Schema.Struct({
  paused: Schema.Boolean,
  /** Sends a second while a backlog is let go slowly; the configured limit otherwise. */
  perSecond: Schema.optionalKey(Schema.Finite),
  /** What was due before this is expired, not sent. */
  dropDueBefore: Schema.optionalKey(Instant)
}).annotate({ identifier: "Orders" })
export type Orders = typeof Orders.Type

export const noOrders: Orders = { paused: false }

/** Written by the active gateway: what is known of the sender at its platform. */
export const Profile = Schema.Struct({
  /** An address to be opened by a person, complete when the token of a link is put at its end. */
  linkPrefix: Schema.String
}).annotate({ identifier: "Profile" })
export type Profile = typeof Profile.Type

/** Written by the active gateway. Brakes name recipients: personal data. */
export const SenderState = Schema.Struct({
  circuit: Schema.Struct({
    state: CircuitState,
    failures: Schema.Int,
    openings: Schema.Int,
    probeAt: Schema.Finite,
    reason: Schema.String
  }),
  brakes: Schema.Struct({
    senderUntil: Schema.Finite,
    recipientsUntil: Schema.Record(Schema.String, Schema.Finite),
    rate: Schema.optionalKey(Schema.Finite),
    at: Schema.Finite
  }),
  /** Sends a second as configured; 0 for no limit. */
  perSecond: Schema.Finite,
  at: Instant
}).annotate({ identifier: "SenderState" })
export type SenderState = typeof SenderState.Type
