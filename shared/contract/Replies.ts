// What `carillon.api.*` answers.
import { Schema } from "effect"
import { Instant, MessageId, Platform, Problem, ResolvedAs, Sender } from "./Fields.ts"
import { Orders } from "./Senders.ts"

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
    status: Schema.Literal("rejected"),
    id: Schema.optionalKey(MessageId),
    problems: Schema.Array(Problem)
  })
]).annotate({ identifier: "Reply" })
export type Reply = typeof Reply.Type
