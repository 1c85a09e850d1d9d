// What has happened to messages: the public log, one schema an event.
// Events with the whole `message` in them carry personal data: they are what the services need to act without any state.
import { Schema } from "effect"
import { commandNames } from "./Commands.ts"
import {
  CircuitState,
  ContactId,
  Content,
  ErrorCategory,
  Fallback,
  Instant,
  Kind,
  MessageId,
  Metadata,
  OccurrenceName,
  Platform,
  Priority,
  Problem,
  Reason,
  Recipient,
  RetryTiers,
  Sender,
  SeriesId,
  UnknownOutcome,
  WatchdogRule
} from "./fields/Fields.ts"
import { Orders } from "./Senders.ts"

/** A message as accepted: every default filled in, every time an instant. */
export const Message = Schema.Struct({
  id: MessageId,
  platform: Platform,
  sender: Sender,
  recipient: Recipient,
  content: Content,
  kind: Schema.optionalKey(Kind),
  dueAt: Instant,
  expiresAt: Instant.annotate({ identifier: undefined, description: "Past this it is expired, not sent" }),
  priority: Priority,
  unknownOutcome: UnknownOutcome,
  retry: Schema.optionalKey(RetryTiers),
  fallback: Schema.optionalKey(Fallback),
  metadata: Metadata,
  revision: Schema.optionalKey(
    Schema.Int.annotate({
      description: "How often a reschedule changed its content, its metadata or when it is due; not there if none did"
    })
  ),
  series: Schema.optionalKey(
    Schema.Struct({ id: SeriesId, occurrence: OccurrenceName }).annotate({
      description: "Of which series it is an occurrence: set by the scheduler"
    })
  )
}).annotate({ identifier: "Message" })
export type Message = typeof Message.Type

/** One try at delivering a message, as it travels from timer to dispatcher to gateway and back. */
export const Attempt = Schema.Struct({
  message: Message,
  attempt: Schema.Int.annotate({ description: "Counts every try from 1, waits that a platform asked for included" }),
  failures: Schema.Int.annotate({ description: "Tries that used up one of the allowed attempts" }),
  sendAt: Instant.annotate({
    identifier: undefined,
    description: "Never sent before this: dueAt, or the time of the retry"
  }),
  possibleDuplicate: Schema.Boolean.annotate({ description: "An earlier try may have reached the recipient" }),
  interruptedSince: Schema.optionalKey(
    Instant.annotate({
      identifier: undefined,
      description:
        "A try was interrupted: its gateway was lost in the middle of it, and may still say that it was sent. When the first such try was to be sent"
    })
  ),
  partsSent: Schema.optionalKey(
    Schema.Int.annotate({ description: "Parts of a long message that earlier tries have sent: not sent again" })
  ),
  waits: Schema.optionalKey(
    Schema.Int.annotate({ description: "Tries that this channel refused for their rate: the waits grow with them" })
  ),
  moved: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "The recipient's new address was followed already, which is done once" })
  ),
  scheduledAt: Schema.optionalKey(
    Instant.annotate({ identifier: undefined, description: "Of the first try: when the message was accepted" })
  )
}).annotate({ identifier: "Attempt" })
export type Attempt = typeof Attempt.Type

const attempt = Attempt.fields
const about = { id: MessageId, platform: Platform }
const numbered = { ...about, attempt: Schema.Int }
const event = <const Type extends string, const Fields extends Schema.Struct.Fields>(
  type: Type,
  description: string,
  fields: Fields
) =>
  Schema.Struct({ type: Schema.Literal(type), at: Instant, ...fields }).annotate({
    identifier: `event.${type}`,
    description
  })

const parts = {
  part: Schema.optionalKey(Schema.Int.annotate({ description: "Of a message sent in several: which, from 1" }))
}

const aboutSeries = {
  series: SeriesId,
  platform: Platform,
  revision: Schema.Int.annotate({ description: "Counts from 1, and goes up when the series is changed" })
}

const cause = Schema.String.annotate({ description: "Names the stored command that led to this event" })

const ended = {
  possiblyArrived: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "True: a try may have reached the recipient, in whole or in part. Nothing more is sent"
    })
  )
}

/** What came in from a person: `recipient` is personal data. */
const inbound = {
  platform: Platform,
  sender: Sender,
  recipient: Recipient,
  contacts: Schema.Array(ContactId).annotate({ description: "Those who have linked this chat; none if nobody has" }),
  cause: Schema.String.annotate({ description: "Names what came in: the same whenever the platform says it again" })
}

export const events = {
  scheduled: event("scheduled", "Accepted and stored; the timer follows", {
    message: Message,
    cause,
    used: Schema.optionalKey(
      Schema.Boolean.annotate({
        description:
          "True: nothing new. It was accepted long ago, and is no longer waited for; said again, with the same `ce-id` and without address and content, so that its id stays taken"
      })
    )
  }),
  rescheduled: event("rescheduled", "The waiting message was changed", {
    message: Message,
    previousDueAt: Instant,
    cause,
    reason: Schema.optionalKey(Reason)
  }),
  rejected: event("rejected", "A command was refused, with everything that is wrong with it", {
    command: Schema.Literals([...commandNames, "unknown"]),
    id: Schema.optionalKey(MessageId),
    series: Schema.optionalKey(
      SeriesId.annotate({ identifier: undefined, description: "In the place of id, if the command is about a series" })
    ),
    platform: Schema.optionalKey(Platform),
    problems: Schema.Array(Problem),
    cause
  }),
  cancelled: event(
    "cancelled",
    "Cancelled before its timer fired: nothing more is sent. Of one that waited for another try, an earlier one may have arrived",
    {
      ...about,
      ...ended,
      dueAt: Instant,
      reason: Schema.optionalKey(Reason)
    }
  ),
  dispatched: event("dispatched", "Due, and on its way to the gateway", attempt),
  expired: event("expired", "Past its deadline: not sent", { ...numbered, ...ended, expiresAt: Instant }),
  "send-started": event("send-started", "The intent, recorded before the platform is called", {
    ...numbered,
    ...parts,
    sender: Sender,
    recipient: Recipient,
    possibleDuplicate: Schema.Boolean
  }),
  "part-sent": event("part-sent", "The platform accepted one part of a long message; more follow", {
    ...numbered,
    part: Schema.Int,
    sentAt: Instant,
    providerMessageId: Schema.String
  }),
  sent: event(
    "sent",
    "The platform accepted it. Said once for each attempt that it accepted: of two if a gateway was replaced in the middle of the first and says so when it is back; then the later attempt is marked as a possible duplicate. It outweighs `unknown`, `failed`, `expired` and `cancelled`, before it or after it",
    {
      ...numbered,
      sender: Sender,
      dueAt: Instant,
      sentAt: Instant,
      providerMessageId: Schema.String,
      possibleDuplicate: Schema.Boolean
    }
  ),
  "attempt-failed": event("attempt-failed", "One try did not succeed; the dispatcher decides what follows", {
    ...attempt,
    category: ErrorCategory,
    reason: Schema.String.annotate({ description: "A code of a closed set, never the platform's own text" }),
    retryAfterMillis: Schema.optionalKey(Schema.Int),
    movedTo: Schema.optionalKey(
      Recipient.annotate({ identifier: undefined, description: "The recipient's new address" })
    )
  }),
  "retry-scheduled": event("retry-scheduled", "Another try follows at sendAt", {
    ...attempt,
    category: ErrorCategory,
    reason: Schema.String
  }),
  "fell-back": event("fell-back", "Given up on one channel; the attempt is the first on the next", {
    ...attempt,
    from: Schema.Struct({ platform: Platform, sender: Sender }),
    category: ErrorCategory,
    reason: Schema.String
  }),
  redriven: event("redriven", "Given up before, and to be sent after all, from this attempt on", {
    ...attempt,
    cause,
    reason: Schema.optionalKey(Reason)
  }),
  discarded: event(
    "discarded",
    "Its dead letter was dropped, by an operator or because its message was cancelled: it cannot be sent after all",
    {
      ...about,
      cause,
      reason: Schema.optionalKey(Reason)
    }
  ),
  resolved: event("resolved", "A person or a rule decided what became of a message with an unknown outcome", {
    ...numbered,
    as: Schema.Literals(["sent", "failed"]),
    cause,
    reason: Schema.optionalKey(Reason)
  }),
  failed: event("failed", "Given up on every channel, and kept as a dead letter", {
    ...numbered,
    ...ended,
    category: ErrorCategory,
    reason: Schema.String
  }),
  unknown: event(
    "unknown",
    "It may or may not have arrived, and is held by its own policy. `sent` may come yet: see there",
    {
      ...numbered,
      reason: Schema.String
    }
  ),
  overdue: event("overdue", "The watchdog found that what should have happened did not; said once an hour", {
    id: MessageId,
    platform: Schema.optionalKey(Platform),
    rule: WatchdogRule,
    since: Instant.annotate({ identifier: undefined, description: "When it should have happened, or was seen last" })
  }),
  erased: event("erased", "Its recipient and content were removed everywhere: only what became of it stays", {
    id: MessageId,
    platform: Schema.optionalKey(Platform),
    cause: Schema.String.annotate({ description: "Names the request" }),
    reason: Schema.optionalKey(Reason)
  }),
  "orders-changed": event("orders-changed", "An operator paused, resumed or dropped what waits", {
    platform: Platform,
    sender: Schema.optionalKey(Sender),
    orders: Orders,
    cause,
    reason: Schema.optionalKey(Reason)
  }),
  "circuit-changed": event("circuit-changed", "A sender stopped, was probed, or sends again", {
    platform: Platform,
    sender: Sender,
    state: CircuitState,
    reason: Schema.String.annotate({ description: "A code of a closed set: what opened it" })
  }),
  "recipient-linked": event("recipient-linked", "A person opened a link: the contact has this chat from now on", {
    platform: Platform,
    sender: Sender,
    recipient: Recipient,
    contact: ContactId,
    cause: inbound.cause
  }),
  "recipient-unlinked": event(
    "recipient-unlinked",
    "The chat of a contact was forgotten, and its links ended, on command",
    {
      platform: Platform,
      sender: Sender,
      contact: ContactId,
      cause,
      reason: Schema.optionalKey(Reason)
    }
  ),
  "recipient-blocked": event("recipient-blocked", "A person blocked the sender: nothing reaches them", inbound),
  "recipient-unblocked": event(
    "recipient-unblocked",
    "A person who had blocked the sender lets it write again",
    inbound
  ),
  "reply-received": event("reply-received", "A person pressed a reply button of a message", {
    ...inbound,
    reply: Schema.String.annotate({ description: "The code that the publisher gave the button" }),
    id: Schema.optionalKey(
      MessageId.annotate({ identifier: undefined, description: "Of the message, while it is known" })
    ),
    providerMessageId: Schema.String
  }),
  "opted-out": event("opted-out", "A person wrote a word that means: send me nothing more", inbound),
  "opted-in": event("opted-in", "A person wrote a word that means: send me messages again", inbound),
  "series-changed": event("series-changed", "A series began, was changed, or is over", {
    ...aboutSeries,
    change: Schema.Literals(["scheduled", "changed", "paused", "resumed", "skipped", "cancelled", "ended"]),
    occurrence: Schema.optionalKey(
      OccurrenceName.annotate({ identifier: undefined, description: "The one that is skipped, or was the last" })
    ),
    cause: Schema.String.annotate({ description: "Names the stored command, or the occurrence after which it ended" }),
    reason: Schema.optionalKey(Reason)
  }),
  "occurrences-missed": event(
    "occurrences-missed",
    "Many occurrences were past their deadline when they could be submitted: not sent",
    { ...aboutSeries, count: Schema.Int, from: OccurrenceName, to: OccurrenceName }
  )
}

export type EventType = keyof typeof events
export const eventTypes = Object.keys(events) as ReadonlyArray<EventType>
export type EventOf<Type extends EventType> = (typeof events)[Type]["Type"]
export type Event = { [Type in EventType]: EventOf<Type> }[EventType]

export const Event = Schema.Union(Object.values(events) as unknown as ReadonlyArray<Schema.Codec<Event>>)

/** About a series, not about a message: its occurrences are messages of their own. */
export const ofSeries: ReadonlySet<EventType> = new Set<EventType>(["series-changed", "occurrences-missed"])

/** About a sender or a series, not about a message. */
export const notOfMessages: ReadonlySet<EventType> = new Set<EventType>([
  "circuit-changed",
  "orders-changed",
  ...ofSeries
])

/** What becomes of a message or of a command. No text and no address is in any of them. */
export const outcomeTypes = [
  "sent",
  "failed",
  "unknown",
  "expired",
  "cancelled",
  "rejected",
  "resolved",
  "discarded"
] as const satisfies ReadonlyArray<EventType>

/** What came in from a person. */
export const inboundTypes = [
  "recipient-linked",
  "recipient-blocked",
  "recipient-unblocked",
  "reply-received",
  "opted-out",
  "opted-in"
] as const satisfies ReadonlyArray<EventType>

/** About a person and not about a message; of replies one is, as long as its message is known. */
export const ofRecipients: ReadonlySet<EventType> = new Set<EventType>([...inboundTypes, "recipient-unlinked"])

/** The message an event is about; a rejection may be about none, and what becomes of a sender is about none. */
export const messageId = (event: Event): MessageId | undefined =>
  "message" in event ? event.message.id : "id" in event ? event.id : undefined

export const platform = (event: Event): Platform | undefined =>
  "message" in event ? event.message.platform : event.platform

export const attemptOf = (event: Event): number | undefined => ("attempt" in event ? event.attempt : undefined)
