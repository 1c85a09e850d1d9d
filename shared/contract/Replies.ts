// What `carillon.api.*` answers.
import { Schema } from "effect"
import { Instant, MessageId, OccurrenceName, Platform, Problem, ResolvedAs, Sender, SeriesId } from "./Fields.ts"
import { Orders } from "./Senders.ts"
import { SeriesStatus } from "./Series.ts"

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
    status: Schema.Literal("series"),
    id: SeriesId,
    series: SeriesStatus,
    revision: Schema.Int,
    duplicate: Schema.Boolean.annotate({ description: "It stood so before; nothing was changed" }),
    next: Schema.optionalKey(
      Schema.Struct({ occurrence: OccurrenceName, dueAt: Instant }).annotate({
        description: "What will be sent next; of a paused series, what would be"
      })
    ),
    submitted: Schema.optionalKey(
      Schema.Struct({ id: MessageId, dueAt: Instant }).annotate({
        description: "The last occurrence is a message already, and not changed any more: cancel it by its own id"
      })
    )
  }),
  Schema.Struct({
    status: Schema.Literal("rejected"),
    id: Schema.optionalKey(MessageId),
    problems: Schema.Array(Problem)
  })
]).annotate({ identifier: "Reply" })
export type Reply = typeof Reply.Type
