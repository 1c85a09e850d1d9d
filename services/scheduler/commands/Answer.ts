// What a command comes to: a reply to whoever waits for one, and an event where others must see it.
import { Effect, Result, Schema } from "effect"
import { commandBody, eventId } from "#shared/contract/CloudEvents.ts"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import { type Instant, type MessageId, SeriesId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import type { Refusal } from "#shared/contract/Submission.ts"
import { isSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { headerOf } from "#shared/nats/messages/Headers.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

/** A command about a message that could be read. */
export interface Command {
  readonly delivery: Delivery
  readonly id: MessageId
  readonly reason?: string
}

/** Neither reply nor event: the command comes again, for what it is about may just be on its way. */
export interface Answer {
  readonly reply?: Reply
  readonly event?: Event
  /** Taken over by another step, which will answer. */
  readonly handedOn?: boolean
  /** To be done once the event is stored. */
  readonly afterwards?: Effect.Effect<void, NatsError>
}

export const notYet: Answer = {}
export const handedOn: Answer = { handedOn: true }

/** Names a stored command for as long as its stream lives. Joined, as instants are: see `fromMillis`. */
export const causeOf = ({ seq, time }: Delivery): string => ["command", seq, time.getTime()].join("-")

/** Where a command that is named by its cause was stored, and when. */
export const storedAs = (cause: string) => {
  const [, sequence = 0, storedAt = 0] = cause.split("-").map(Number)
  return { sequence, storedAt }
}

/**
 * Whether a command was surely stored after another one; both are named by their causes. By place and by time: a clock may be
 * set back, and a stream be made anew.
 */
export const isLater = (cause: string, other: string): boolean => {
  const [one, before] = [storedAs(cause), storedAs(other)]
  return one.sequence > before.sequence && one.storedAt >= before.storedAt
}

/** Whether what follows from a command stands in the log already. */
export const isSaid = Effect.fnUntraced(function* (event: Event, { time }: Delivery) {
  const log = yield* EventLog
  const id = eventId(event)
  return (yield* log.idsSince([event.type], time.getTime(), { oneOfEach: [[id]] })).has(id)
})

/** The same of a command that has come back: of any other it is not asked. */
export const wasSaid = (event: Event, delivery: Delivery) =>
  delivery.redelivered ? isSaid(event, delivery) : Effect.succeed(false)

export const body = (delivery: Delivery): Result.Result<unknown, Refusal> =>
  Result.mapError(
    commandBody(delivery.data, (name) => headerOf(delivery, name)),
    (problems) => ({ problems })
  )

export const refused = (
  command: EventOf<"rejected">["command"],
  cause: string,
  refusal: Refusal,
  at: Instant
): { readonly reply: Reply; readonly event: Event } => {
  const { id, ...rest } = refusal
  const given = id === undefined ? {} : { id }
  // A series may have the id of some message: they have nothing to do with each other.
  const about = isSeriesCommand(command) ? (isSeriesId(id) ? { series: id } : {}) : given
  return {
    reply: { status: "rejected", ...given, problems: refusal.problems },
    event: { type: "rejected", at, command, ...about, ...rest, cause }
  }
}

/** Of a command that is about a message, for a reason that has nothing to do with how it was asked. */
export const refusedOf = (
  name: EventOf<"rejected">["command"],
  { delivery, id }: Command,
  problem: string,
  now: number
): Answer => refused(name, causeOf(delivery), aboutId(id, problem), fromMillis(now))

export const aboutId = (id: MessageId, problem: string): Refusal => ({ id, problems: [{ path: "id", problem }] })

const isSeriesId = Schema.is(SeriesId)
