// What is answered to who schedules again what was scheduled before with the same content: how it stands by now. Looked up
// for those only who wait for an answer: whoever repeats an outbox is not told, and costs nothing.
import { Effect, Option, Schema } from "effect"
import { events, type Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { isAwaited } from "#shared/nats/messages/RequestReply.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Timers } from "../timers/Timers.ts"
import { type Answer, causeOf, notYet, refused } from "./Answer.ts"

export interface Repeat {
  readonly delivery: Delivery
  /** As it waits, or as it was scheduled if no timer waits. */
  readonly message: Message
  readonly isWaiting: boolean
  readonly storedAt: number
}

const decodeRescheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.rescheduled))

export const repeated = Effect.fnUntraced(function* (repeats: ReadonlyArray<Repeat>, now: number) {
  const timers = yield* Timers
  const log = yield* EventLog
  const gone = repeats.filter(({ delivery, isWaiting }) => !isWaiting && isAwaited(delivery))
  const since = Math.min(...gone.map(({ storedAt }) => storedAt))
  const asked = new Set(gone)
  const states = yield* timers.without(
    gone.map(({ message }) => message),
    { since }
  )
  // Armed a moment ago, by the same command of the same batch say.
  const armed = yield* timers.waiting(gone.flatMap(({ message: { id } }) => (states.has(id) ? [] : [id])))
  const ids = new Set(gone.map(({ message }) => message.id))
  const changes = ids.size === 0 ? [] : yield* log.about(ids, ["rescheduled"], since)
  const newest = new Map(changes.map(({ id, sequence }) => [id, sequence]))
  const answerTo = Effect.fnUntraced(function* (one: Repeat) {
    const { delivery, message } = one
    const { id, platform } = message
    if (!asked.has(one)) return accepted(message)
    const state = states.get(id)
    if (state === "cancelled") {
      const problems = [{ path: "id", problem: wasCancelled }]
      return refused("schedule", causeOf(delivery), { id, platform, problems }, fromMillis(now))
    }
    const waits = armed.get(id)
    if (waits) return accepted(waits)
    // A change of it is just being carried out.
    if (state !== "fired") return notYet
    const found = yield* log.at("EVENTS", newest.get(id) ?? 0)
    return accepted(Option.isSome(found) ? decodeRescheduled(found.value.text).message : message)
  })
  const answers = yield* Effect.forEach(
    repeats,
    (one) => Effect.map(answerTo(one), (answer) => [one.delivery, answer] as const),
    {
      concurrency: 20
    }
  )
  return new Map<Delivery, Answer>(answers)
})

const accepted = ({ dueAt, expiresAt, id }: Message): Answer => ({
  reply: { status: "accepted", id, dueAt, expiresAt, duplicate: true }
})

const wasCancelled = "is of a message that was cancelled: use another id"
