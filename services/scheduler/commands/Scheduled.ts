// What the log says of a message since it was accepted, and the attempt that begins with it.
import { Effect, Option, Schema } from "effect"
import { type Attempt, events, type Message } from "#shared/contract/Events.ts"
import type { Instant, MessageId } from "#shared/contract/fields/Fields.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

const decodeScheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.scheduled))

/** Nothing once the log has lost it. `storedAt`: in milliseconds since the epoch, by the clock of NATS. */
export const scheduledOf = Effect.fnUntraced(function* (id: MessageId) {
  const { last } = yield* EventLog
  const found = yield* last("EVENTS", Subject.scheduled("*", id))
  return Option.map(found, ({ storedAt, text }) => ({ ...decodeScheduled(text), storedAt }))
})

/** `scheduledAt`: when it was accepted; where it is not known, whoever needs it looks into the log. */
export const firstAttempt = (message: Message, scheduledAt?: Instant): Attempt => ({
  message,
  attempt: 1,
  failures: 0,
  sendAt: message.dueAt,
  possibleDuplicate: false,
  ...(scheduledAt === undefined ? {} : { scheduledAt })
})
