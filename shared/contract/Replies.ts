// What `carillon.api.*` answers.
import { Schema } from "effect"
import {
  ContactId,
  Instant,
  MessageId,
  OccurrenceName,
  Platform,
  Problem,
  ResolvedAs,
  Sender,
  SeriesId
} from "./fields/Fields.ts"
import { toMillis } from "./fields/Instants.ts"
import { Orders } from "./Senders.ts"
import { SeriesStatus } from "./series/Series.ts"

/** The problem of a change that is refused because the message is on its way, or was. */
export const timerHasFired = "is of a message whose timer has fired: too late"

/** The problem of a change that comes after a later one. */
export const overtaken = "is of a message that a later command has rescheduled since"

/** The problem of a command to schedule whose id stands for a message already that says otherwise in this field. */
export const idIsOfAnother = "is not what the message with this id was scheduled with"

export const Rearmed = Schema.Literals(["armed", "redecided", "unknown", "waits", "under-way", "ended"]).annotate({
  description:
    "`armed`: its timer stands again, or it is on its way; `redecided`: what follows its failed attempt is decided again; `unknown`: a send without an outcome is recorded as one that nobody knows, and its own policy follows; `waits`: its timer stands; `under-way`: a service may still have it in hand; `ended`: nothing is left to do"
})
export type Rearmed = typeof Rearmed.Type

const expired = Schema.optionalKey(
  Schema.Boolean.annotate({ description: "True: its deadline has passed already. It is not sent: `expired` follows" })
)

/** Of a message that was taken in at an instant, in milliseconds. */
export const expiredBy = (expiresAt: Instant, at: number): { readonly expired?: true } =>
  at > toMillis(expiresAt) ? { expired: true } : {}

export const Reply = Schema.Union([
  Schema.Struct({
    status: Schema.Literal("accepted"),
    id: MessageId,
    dueAt: Instant,
    expiresAt: Instant,
    duplicate: Schema.Boolean.annotate({
      description: "The same message was scheduled before; nothing was added. The times are those that stand by now"
    }),
    expired
  }),
  Schema.Struct({ status: Schema.Literal("rescheduled"), id: MessageId, dueAt: Instant, expiresAt: Instant, expired }),
  Schema.Struct({
    status: Schema.Literal("cancelled"),
    id: MessageId,
    possiblyArrived: Schema.optionalKey(
      Schema.Boolean.annotate({
        description: "True: an earlier try may have reached the recipient, in whole or in part. Nothing more is sent"
      })
    )
  }),
  Schema.Struct({
    status: Schema.Literal("ordered"),
    platform: Platform,
    sender: Schema.optionalKey(Sender),
    orders: Orders,
    /** Of one sender: what these and the orders for all senders come to. The stricter of each is obeyed. */
    inEffect: Schema.optionalKey(Orders),
    stricter: Schema.optionalKey(
      Schema.Array(Schema.Struct({ sender: Sender, orders: Orders })).annotate({
        description: "Of all senders: those that orders of their own still hold, or keep to a lower rate"
      })
    ),
    hasRun: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "Of one sender: false if no gateway has ever run for it" })
    )
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
    status: Schema.Literal("link-created"),
    contact: ContactId,
    platform: Platform,
    sender: Sender,
    token: Schema.String.annotate({
      description: "A secret until it is used, once: whoever has it becomes the contact. It is in this answer only"
    }),
    url: Schema.optionalKey(
      Schema.String.annotate({ description: "To be opened by the person; none before a gateway of the sender has run" })
    ),
    expiresAt: Instant
  }),
  Schema.Struct({ status: Schema.Literal("link-removed"), contact: ContactId, platform: Platform, sender: Sender }),
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
