// The dispatcher: decides a message's way. Timers that fired and attempts that failed in; events out.
import { Effect } from "effect"
import { redeliveredSince, runActor } from "#shared/actor/Actor.ts"
import { decoded, decodeToPassOn, type Read } from "#shared/actor/Decode.ts"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import {
  Attempt,
  attemptOf,
  type Event,
  type EventOf,
  type EventType,
  events,
  messageId,
  platform
} from "#shared/contract/Events.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { headerOf } from "#shared/nats/messages/Headers.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { deadLetterMessage } from "#shared/nats/stores/DeadLetterStore.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { sentAfterAll } from "#shared/nats/stores/SentAfterAll.ts"
import { takenIds } from "#shared/nats/stores/TakenIds.ts"
import { fraction, seconds } from "#shared/service/Settings.ts"
import { type Counted, countFromZero, recordStage } from "#shared/telemetry/Metrics.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import { deadLetter, onDue, onFailure, type RetryPolicy } from "./Dispatch.ts"
import { retryTiers } from "./RetryTiers.ts"

const senderWait = seconds("RETRY_SENDER_WAIT_SECONDS", fraction(0.01, 86_400), {
  says: "How long a message waits whose sender was refused: a wrong token or secret; it uses up no attempt",
  byDefault: 60
})

const firedAt = (read: Read<unknown> | undefined) => read?.delivery.time.getTime() ?? Date.now()

/** Of timers that NATS kept; what was due within the lead came here directly. */
const recordFiring = (due: ReadonlyArray<Read<Attempt>>) => {
  for (const { value, delivery } of due) {
    const wanted = headerOf(delivery, "carillon-fires-at")
    if (wanted) recordStage("fire", delivery.time.getTime() - toMillis(wanted), value.message.platform)
  }
}

/**
 * Without what was redelivered and decided before: a later look at it might decide otherwise, and both would happen.
 * `decisions` names every event that one of these can come to, and its erasure, which takes those away; `types` are theirs.
 */
const undecided = Effect.fnUntraced(function* <A>(
  read: ReadonlyArray<Read<A>>,
  decisions: (value: A) => ReadonlyArray<string>,
  types: ReadonlyArray<EventType>,
  since: number | undefined
) {
  if (since === undefined) return read
  const log = yield* EventLog
  const oneOfEach = read.filter(({ delivery }) => delivery.redelivered).map(({ value }) => decisions(value))
  const said = yield* log.idsSince(types, since, { oneOfEach })
  return read.filter(({ value }) => !decisions(value).some((id) => said.has(id)))
})

/** Without what was sent after all: nothing follows, neither another try nor an end that would be another one. */
const notSent = Effect.fnUntraced(function* <A extends Attempt>(read: ReadonlyArray<Read<A>>) {
  const sent = yield* sentAfterAll(read.map(({ value }) => value))
  return read.filter(({ value }) => !sent.has(value.message.id))
})

const oldestDoubted = (read: ReadonlyArray<Read<unknown>>) => redeliveredSince(read.map(({ delivery }) => delivery))

/**
 * What is to be decided on, once it is prepared; to be asked right before that is said. All anew if we took so long for it, or were
 * suspended, that another may have been given some of it.
 */
const stillOpen = Effect.fnUntraced(function* <A extends Attempt, R>(
  read: ReadonlyArray<Read<A>>,
  decisions: (value: A) => ReadonlyArray<string>,
  types: ReadonlyArray<EventType>,
  prepare: (open: ReadonlyArray<Read<A>>) => Effect.Effect<void, NatsError, R>
) {
  while (true) {
    const since = oldestDoubted(read)
    const open = yield* notSent(yield* undecided(read, decisions, types, since))
    yield* prepare(open)
    if (oldestDoubted(read) === since) return open
  }
})

/** Appends what was decided on each message, within a span for each. */
const append = Effect.fnUntraced(function* <A>(
  read: ReadonlyArray<Read<A>>,
  decide: (value: A) => Event,
  trace: { readonly destination: string; readonly as: "child" | "new" }
) {
  const publisher = yield* Publisher
  const events = read.map(({ value }) => decide(value))
  const spans = read.map(({ delivery }, index) => {
    const event = events[index] as Event
    const about = { id: messageId(event), attempt: attemptOf(event), platform: platform(event) }
    return processing(delivery, { destination: trace.destination, ...about }, trace.as)
  })
  yield* publisher.append(
    events,
    undefined,
    spans.map(({ headers }) => headers)
  )
  spans.forEach((span, index) => {
    const event = events[index] as Event
    if (event.type === "dispatched") recordStage("dispatch", Date.now() - firedAt(read[index]), platform(event))
    span.end("category" in event ? event.category : event.type === "expired" ? "expired" : undefined)
  })
})

/** A timer that fired begins a trace of its own: what scheduled it may be years ago, and is linked. */
const handleTimers = (keepTaken: Effect.Success<typeof takenIds>) =>
  decoded(
    decodeToPassOn(Attempt),
    Effect.fnUntraced(function* (due) {
      recordFiring(due)
      const open = yield* stillOpen(due, dueDecisions, ["dispatched", "expired", "erased"], () => Effect.void)
      yield* append(open, (attempt) => onDue(attempt, Date.now()), {
        destination: "carillon.timer.due.{platform}",
        as: "new"
      })
      yield* keepTaken(
        due.map(({ value }) => value),
        Date.now(),
        "dispatcher"
      )
    })
  )

const dueDecisions = ({ message: { id }, attempt }: Attempt) => [
  attemptEventId(id, attempt, "dispatched"),
  attemptEventId(id, attempt, "expired"),
  attemptEventId(id, undefined, "erased")
]

/** What is given up is kept first: an operator may find a dead letter whose message goes on, never the reverse. */
const keepDeadLetters = Effect.fnUntraced(function* (letters: ReadonlyArray<DeadLetter>) {
  const { publish } = yield* Publisher
  yield* publish(letters.map(deadLetterMessage))
})

const handleFailures = (policy: RetryPolicy) =>
  decoded(
    decodeToPassOn(events["attempt-failed"]),
    Effect.fnUntraced(function* (failures) {
      const now = Date.now()
      const decide = (failed: EventOf<"attempt-failed">) => onFailure(failed, policy, now)
      const open = yield* stillOpen(failures, failureDecisions, [...goesOn, ...ends, "erased"], (open) =>
        keepDeadLetters(open.flatMap(({ value }) => deadLetter(value, decide(value)) ?? []))
      )
      yield* append(open, decide, { destination: "carillon.event.attempt-failed.{platform}", as: "child" })
    })
  )

const goesOn = ["retry-scheduled", "fell-back"] as const
const ends = ["failed", "unknown", "expired"] as const

const failureDecisions = ({ message: { id }, attempt }: Attempt) => [
  ...goesOn.map((type) => attemptEventId(id, attempt + 1, type)),
  ...ends.map((type) => attemptEventId(id, attempt, type)),
  attemptEventId(id, undefined, "erased")
]

/** Categories after which a message may be given up. */
const final = ["transient", "recipient", "content", "unknown"] as const

const counted = platforms.flatMap(
  (platform): ReadonlyArray<Counted> => [
    { type: "unknown", platform },
    { type: "expired", platform },
    ...final.map((category) => ({ type: "failed", platform, category }) as const)
  ]
)

export const run = Effect.gen(function* () {
  yield* countFromZero(counted)
  const policy = { tiers: yield* retryTiers, senderWait: yield* senderWait }
  yield* provision([consumers.dispatcherTimers, consumers.dispatcherFailures])
  yield* Effect.all(
    [
      runActor(consumers.dispatcherTimers, handleTimers(yield* takenIds)),
      runActor(consumers.dispatcherFailures, handleFailures(policy))
    ],
    { concurrency: "unbounded" }
  )
})
