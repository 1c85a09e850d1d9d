// What `carillon.api.*` answers.
import { Schema } from "effect"
import { Instant, MessageId, Platform, Problem, ResolvedAs, Sender } from "./Fields.ts"
import { Orders } from "./Senders.ts"

export const Rearmed = Schema.Literals(["armed", "redecided", "unknown", "waits", "under-way", "ended"]).annotate({
  description:
    "`armed`: its timer stands again, or it is on its way; `redecided`: what follows its failed attempt is decided again; `unknown`: a send without an outcome is recorded as one that nobody knows, and its own policy follows; `waits`: its timer stands; `under-way`: a service may still have it in hand; `ended`: nothing is left to do"
})
export type Rearmed = typeof Rearmed.Type

export const Reply = Schema.Union([
  Schema.Struct({
    status: Schema.Literal("accepted"),
    id: MessageId,
    dueAt: Instant,
    expiresAt: Instant,
    duplicate: Schema.Boolean.annotate({ description: "The same message was scheduled before; nothing was added" })
  }),
  Schema.Struct({ status: Schema.Literal("rescheduled"), id: MessageId, dueAt: Instant, expiresAt: Instant }),
  Schema.Struct({ status: Schema.Literal("cancelled"), id: MessageId }),
  Schema.Struct({
    status: Schema.Literal("ordered"),
    platform: Platform,
    sender: Schema.optionalKey(Sender),
    orders: Orders
  }),
  Schema.Struct({ status: Schema.Literal("redriven"), id: MessageId, dueAt: Instant, expiresAt: Instant }),
  Schema.Struct({ status: Schema.Literal("discarded"), id: MessageId }),
  Schema.Struct({ status: Schema.Literal("resolved"), id: MessageId, as: ResolvedAs }),
  Schema.Struct({
    status: Schema.Literal("rearmed"),
    id: MessageId,
    what: Rearmed
  }),
  Schema.Struct({
    status: Schema.Literal("rejected"),
    id: Schema.optionalKey(MessageId),
    problems: Schema.Array(Problem)
  })
]).annotate({ identifier: "Reply" })
export type Reply = typeof Reply.Type
