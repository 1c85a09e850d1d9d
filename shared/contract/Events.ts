// What has happened to messages: the public log, one schema an event.
// Events with the whole `message` in them carry personal data: they are what the services need to act without any state.
import { Schema } from "effect"
import {
  Content,
  ErrorCategory,
  Instant,
  MessageId,
  Metadata,
  Platform,
  Priority,
  Problem,
  Reason,
  Recipient,
  UnknownOutcome
} from "./Fields.ts"

/** A message as accepted: every default filled in, every time an instant. */
export const Message = Schema.Struct({
  id: MessageId,
  platform: Platform,
  recipient: Recipient,
  content: Content,
  dueAt: Instant,
  expiresAt: Instant.annotate({ identifier: undefined, description: "Past this it is expired, not sent" }),
  priority: Priority,
  unknownOutcome: UnknownOutcome,
  metadata: Metadata
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
  possibleDuplicate: Schema.Boolean.annotate({ description: "An earlier try may have reached the recipient" })
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

const cause = Schema.String.annotate({ description: "Names the stored command that led to this event" })

export const events = {
  scheduled: event("scheduled", "Accepted and stored; the timer follows", { message: Message, cause }),
  rescheduled: event("rescheduled", "The waiting message was changed", {
    message: Message,
    previousDueAt: Instant,
    cause,
    reason: Schema.optionalKey(Reason)
  }),
  rejected: event("rejected", "A command was refused, with everything that is wrong with it", {
    command: Schema.Literals(["schedule", "cancel", "reschedule", "unknown"]),
    id: Schema.optionalKey(MessageId),
    platform: Schema.optionalKey(Platform),
    problems: Schema.Array(Problem),
    cause
  }),
  cancelled: event("cancelled", "Cancelled before its timer fired: not sent", {
    ...about,
    dueAt: Instant,
    reason: Schema.optionalKey(Reason)
  }),
  dispatched: event("dispatched", "Due, and on its way to the gateway", attempt),
  expired: event("expired", "Past its deadline: not sent", { ...numbered, expiresAt: Instant }),
  "send-started": event("send-started", "The intent, recorded before the platform is called", {
    ...numbered,
    possibleDuplicate: Schema.Boolean
  }),
  sent: event("sent", "The platform accepted it", {
    ...numbered,
    dueAt: Instant,
    sentAt: Instant,
    providerMessageId: Schema.String,
    possibleDuplicate: Schema.Boolean
  }),
  "attempt-failed": event("attempt-failed", "One try did not succeed; the dispatcher decides what follows", {
    ...attempt,
    category: ErrorCategory,
    reason: Schema.String.annotate({ description: "A code of a closed set, never the platform's own text" }),
    retryAfterMillis: Schema.optionalKey(Schema.Int)
  }),
  "retry-scheduled": event("retry-scheduled", "Another try follows at sendAt", {
    ...attempt,
    category: ErrorCategory,
    reason: Schema.String
  }),
  failed: event("failed", "Given up", { ...numbered, category: ErrorCategory, reason: Schema.String }),
  unknown: event("unknown", "It may or may not have arrived, and is held by its own policy", {
    ...numbered,
    reason: Schema.String
  })
}

export type EventType = keyof typeof events
export const eventTypes = Object.keys(events) as ReadonlyArray<EventType>
export type EventOf<Type extends EventType> = (typeof events)[Type]["Type"]
export type Event = { [Type in EventType]: EventOf<Type> }[EventType]

export const Event = Schema.Union(Object.values(events) as unknown as ReadonlyArray<Schema.Codec<Event>>)

/** The message an event is about; a rejection may be about none. */
export const messageId = (event: Event): MessageId | undefined => ("message" in event ? event.message.id : event.id)

export const platform = (event: Event): Platform | undefined =>
  "message" in event ? event.message.platform : event.platform

export const attemptOf = (event: Event): number | undefined => ("attempt" in event ? event.attempt : undefined)
