// Carries out the changes that took a timer's place. NATS may be firing a timer at the very moment in which it is taken
// away: then both stand. So what counts is when the change was stored, on the clock that fires: before the timer's
// instant it holds; from then on it is too late, and the old attempt goes out, once, whether it was fired or not.
import { Effect, Result } from "effect"
import { type Batch, done, poison, redeliveredSince } from "#shared/actor/Actor.ts"
import { decodeToPassOn } from "#shared/actor/Decode.ts"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { possiblyArrived } from "#shared/contract/Doubt.ts"
import { type Attempt, type Event, messageId, platform } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { expiredBy, type Reply, timerHasFired } from "#shared/contract/Replies.ts"
import { TimerChange } from "#shared/contract/Timer.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { answer } from "#shared/nats/messages/RequestReply.ts"
import type { takenIds } from "#shared/nats/stores/TakenIds.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import { Timers, type Wanted } from "../timers/Timers.ts"
import { refused } from "./Answer.ts"

interface Outcome {
  readonly event: Event
  readonly reply: Reply
  readonly arm?: Wanted
  /** What is not sent any more. */
  readonly cancels?: Attempt
}

/** Pure: what a change that was stored at an instant comes to. */
export const decide = (change: TimerChange, storedAt: number): Outcome => {
  const { old, cause, firesAt } = change
  const { id, platform, dueAt } = old.message
  const at = fromMillis(storedAt)
  const reason = change.reason === undefined ? {} : { reason: change.reason }
  if (storedAt >= toMillis(firesAt)) {
    return {
      ...refused(change.change, cause, { id, platform, problems: [{ path: "id", problem: timerHasFired }] }, at),
      arm: { attempt: old, cause }
    }
  }
  if (change.change === "cancel") {
    return {
      event: { type: "cancelled", at, id, platform, dueAt, ...reason, ...possiblyArrived(old) },
      reply: { status: "cancelled", id, ...possiblyArrived(old) },
      cancels: old
    }
  }
  const { message } = change.attempt
  return {
    event: { type: "rescheduled", at, message, previousDueAt: dueAt, cause, ...reason },
    reply: {
      ...{ status: "rescheduled", id, dueAt: message.dueAt, expiresAt: message.expiresAt },
      ...expiredBy(message.expiresAt, storedAt)
    },
    arm: { attempt: change.attempt, cause, changedBy: cause }
  }
}

const decode = decodeToPassOn(TimerChange)

interface Read extends Outcome {
  readonly delivery: Delivery
  readonly trace: Headers
}

/**
 * Only the newest change of each message arms. It took away the timer that an earlier one had set, which comes again: carried
 * out by somebody who was killed before it was told.
 */
const toArm = (read: ReadonlyArray<Read>): ReadonlyArray<Wanted> => {
  const inOrder = read.toSorted((one, other) => one.delivery.seq - other.delivery.seq)
  const newest = new Map(inOrder.map((one) => [messageId(one.event), one]))
  return read.flatMap((one) =>
    one.arm && newest.get(messageId(one.event)) === one ? [{ ...one.arm, trace: one.trace }] : []
  )
}

export const handleChanges = (keepTaken: Effect.Success<typeof takenIds>) =>
  Effect.fnUntraced(function* (batch: Batch) {
    const timers = yield* Timers
    const { append } = yield* Publisher
    const since = redeliveredSince(batch)
    const outcomes = batch.map((delivery) =>
      Result.map(decode(delivery.string()), (change) => decide(change, delivery.time.getTime()))
    )
    const spans = batch.map((delivery, index) => {
      const outcome = outcomes[index]
      const event = outcome && Result.isSuccess(outcome) ? outcome.success.event : undefined
      const about = event && { id: messageId(event), platform: platform(event) }
      return processing(delivery, { destination: "carillon.timer.changed.{platform}", ...about })
    })
    const read = batch.flatMap((delivery, index): ReadonlyArray<Read> => {
      const outcome = outcomes[index]
      return outcome && Result.isSuccess(outcome)
        ? [{ ...outcome.success, delivery, trace: spans[index]?.headers ?? {} }]
        : []
    })
    yield* timers.arm(
      toArm(read),
      since === undefined ? undefined : { since, own: new Set(batch.map(({ seq }) => seq)) }
    )
    // First: what is heard of a message is looked for since it was scheduled.
    yield* keepTaken(
      read.flatMap(({ cancels }) => cancels ?? []),
      Date.now(),
      "scheduler"
    )
    yield* append(
      read.map(({ event }) => event),
      redeliveredSince(batch),
      read.map(({ trace }) => trace)
    )
    for (const span of spans) span.end()
    for (const [index, delivery] of batch.entries()) {
      const outcome = outcomes[index]
      if (outcome && Result.isSuccess(outcome)) yield* answer(delivery, outcome.success.reply)
    }
    return outcomes.map((outcome) => (Result.isSuccess(outcome) ? done : poison("undecodable")))
  })
