// Carries out rearm commands: takes up again what was lost on its way. What is so is asked of the log and the queues, not
// of who asks; and each answer is looked for before what could still change it, so that a message is never doubled.
import { Effect, Option, Result, Schema } from "effect"
import { decodeToPassOn } from "#shared/actor/Decode.ts"
import { isWithoutPerson } from "#shared/contract/Erasure.ts"
import { Attempt, type EventOf, type EventType, events } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Rearmed } from "#shared/contract/Replies.ts"
import { decodeCommand, type Refusal } from "#shared/contract/Submission.ts"
import { failedEvent, interrupted } from "#shared/gateway/sending/GatewayEvents.ts"
import { durables } from "#shared/nats/layout/Inspect.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { settled } from "#shared/nats/messages/Settled.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import type { Heard } from "#shared/nats/stores/ReadingBack.ts"
import { type Answer, body, causeOf, notYet, refused } from "../commands/Answer.ts"
import { firstAttempt, scheduledOf } from "../commands/Scheduled.ts"
import { newest, stageOf } from "./Rearm.ts"
import { type Pending, stuckAfter, Timers } from "./Timers.ts"

interface Wanted {
  readonly delivery: Delivery
  readonly id: MessageId
  readonly kept: Attempt | undefined
}

/** What the log has of a message. */
interface Told {
  readonly heard: ReadonlyArray<Heard>
  readonly attempt: Attempt
  /** When what made it wait was stored; -Infinity if the log no longer says so. */
  readonly plannedAt: number
}

/** Everything of a consumer's work that was stored before this is settled. */
type Before = (durable: string) => number

export const rearm = Effect.fnUntraced(function* (deliveries: ReadonlyArray<Delivery>, now: number) {
  const parsed = deliveries.map(parse)
  const wanted = parsed.filter(Result.isSuccess).map(({ success }) => success)
  const timers = yield* Timers
  const before = yield* queues
  const standing = new Map<MessageId, Rearmed>()
  const look = Effect.fnUntraced(function* ({ delivery, id }: Wanted) {
    const timer = Option.getOrUndefined(yield* timers.pending(id))
    if (timer) standing.set(id, yield* stands(timer, causeOf(delivery), now))
    else if (yield* timers.changing(id)) standing.set(id, "under-way")
  })
  yield* Effect.forEach(wanted, look, { concurrency: 20 })
  const told = yield* lookUp(
    wanted.filter(({ id }) => !standing.has(id)),
    now
  )
  return yield* Effect.forEach(parsed, (result, index) => {
    const cause = causeOf(deliveries[index] as Delivery)
    if (Result.isFailure(result)) return Effect.succeed(refused("rearm", cause, result.failure, fromMillis(now)))
    const { id } = result.success
    const stands = standing.get(id)
    if (stands) return Effect.succeed(answered(id, stands))
    const found = told.get(id)
    return found
      ? takeUp(result.success, found, before, now)
      : Effect.succeed(refused("rearm", cause, { id, problems: [{ path: "id", problem: unknown }] }, fromMillis(now)))
  })
})

/**
 * A timer stands past its time for good where NATS had no room to store what fired: nats-server 2.15 takes it for on its
 * way until it is restarted, or the timer is set anew. It is NATS that fires it then, by its own clock, so ours may be wrong.
 */
const stands = Effect.fnUntraced(function* (timer: Pending, cause: string, now: number) {
  if (toMillis(timer.firesAt) + stuckAfter > now) return "waits"
  const { anew } = yield* Timers
  return (yield* anew(timer, cause)) === "stored" ? "armed" : "under-way"
})

const unknown = "is unknown: the log holds no message with this id"

const answered = (id: MessageId, what: Rearmed): Answer => ({ reply: { status: "rearmed", id, what } })

const decodeAttempt = decodeToPassOn(Attempt)
const decodeKept = Schema.decodeUnknownResult(Attempt)

const parse = (delivery: Delivery): Result.Result<Wanted, Refusal> =>
  Result.flatMap(body(delivery), (json) =>
    Result.flatMap(decodeCommand("rearm", json), ({ id, kept }): Result.Result<Wanted, Refusal> => {
      if (kept === undefined) return Result.succeed({ delivery, id, kept: undefined })
      const attempt = decodeKept(kept)
      return Result.isSuccess(attempt) && attempt.success.message.id === id
        ? Result.succeed({ delivery, id, kept: attempt.success })
        : Result.fail({ id, problems: [{ path: "kept", problem: "must be an attempt of this message" }] })
    })
  )

const queues = Effect.gen(function* () {
  const found = new Map<string, number>()
  for (const definition of yield* durables) found.set(definition.durable, (yield* settled(definition)).before)
  return ((durable) => found.get(durable) ?? Number.NEGATIVE_INFINITY) satisfies Before as Before
})

const planning = ["rescheduled", "cancelled", "retry-scheduled", "fell-back", "redriven"] as const
const moving = [
  ...["dispatched", "send-started", "part-sent", "attempt-failed"],
  ...["sent", "failed", "unknown", "expired", "resolved"]
] as ReadonlyArray<EventType>

/** A timer fires a little ahead of its time (TIMER_LEAD_MILLIS), and never before this. */
const longestLead = 900_000

/** Reads the log once for all of them: since they were planned what is rare, and the rest since it could have begun. */
const lookUp = Effect.fnUntraced(function* (wanted: ReadonlyArray<Wanted>, now: number) {
  const log = yield* EventLog
  const bases = new Map<MessageId, { readonly attempt: Attempt; readonly storedAt: number }>()
  for (const { id, kept } of wanted) {
    const scheduled = Option.getOrUndefined(yield* scheduledOf(id))
    // What only keeps an id taken came after what is told of it, and has nothing to send.
    if (scheduled && !(scheduled.used && kept)) {
      const storedAt = scheduled.used ? Number.NEGATIVE_INFINITY : scheduled.storedAt
      bases.set(id, { attempt: firstAttempt(scheduled.message), storedAt })
    } else if (kept) bases.set(id, { attempt: kept, storedAt: Number.NEGATIVE_INFINITY })
  }
  const told = new Map<MessageId, Told>()
  if (bases.size === 0) return told
  const since = Math.min(...Array.from(bases.values(), ({ storedAt }) => storedAt))
  const plans = yield* log.about(new Set(bases.keys()), planning, Math.max(0, since))
  const plansOf = byMessage(plans)
  const begins = new Map<MessageId, number>()
  for (const [id, base] of bases) {
    const own = plansOf.get(id) ?? []
    const attempt = yield* attemptBy(own, base.attempt)
    const { carrying } = newest(own, base.attempt.attempt)
    const begin = carrying?.storedAt ?? Math.max(base.storedAt, toMillis(attempt.sendAt) - longestLead)
    if (begin < now) begins.set(id, begin)
  }
  const moves =
    begins.size === 0 ? [] : yield* log.about(new Set(begins.keys()), moving, Math.max(0, Math.min(...begins.values())))
  const heardOf = byMessage([...plans, ...moves].toSorted((one, other) => one.sequence - other.sequence))
  for (const [id, base] of bases) {
    const heard = heardOf.get(id) ?? []
    const { plan, carrying } = newest(heard, base.attempt.attempt)
    const plannedAt = (plan ?? carrying)?.storedAt ?? base.storedAt
    told.set(id, { heard, plannedAt, attempt: yield* attemptBy(heard, base.attempt) })
  }
  return told
})

const byMessage = (heard: ReadonlyArray<Heard>): ReadonlyMap<MessageId, ReadonlyArray<Heard>> =>
  Map.groupBy(heard, ({ id }) => id)

/** The newest attempt, with its message as it is by now. */
const attemptBy = Effect.fnUntraced(function* (heard: ReadonlyArray<Heard>, base: Attempt) {
  const { attempt, carrying, plan } = newest(heard, base.attempt)
  const carried = (yield* read(carrying, decodeAttempt)) ?? base
  const changed = yield* read(plan, decodeToPassOn(events.rescheduled))
  return {
    ...carried,
    attempt,
    ...(changed ? { message: changed.message, sendAt: changed.message.dueAt } : {})
  } satisfies Attempt as Attempt
})

const read = Effect.fnUntraced(function* <A>(
  one: Heard | undefined,
  decode: (text: string) => Result.Result<A, unknown>
) {
  if (!one) return undefined
  const { at } = yield* EventLog
  const found = yield* at("EVENTS", one.sequence)
  return Option.getOrUndefined(Option.flatMap(found, ({ text }) => Result.getSuccess(decode(text))))
})

/** Looks a few times, while whoever may have it in hand gets on; then leaves it to who asks again. */
const givesUpAfter = 5

const takeUp = Effect.fnUntraced(function* (
  { delivery, id }: Wanted,
  { attempt, heard, plannedAt }: Told,
  before: Before,
  now: number
) {
  const timers = yield* Timers
  const { message } = attempt
  // What the log said of it before is older than what stands in its place.
  if (isWithoutPerson(message)) return answered(id, "ended")
  const lane = before(consumers.gateway(message.platform, message.sender, message.priority).durable)
  const cause = causeOf(delivery)
  const asked = delivery.time.getTime()
  const inHands = delivery.info.deliveryCount < givesUpAfter ? notYet : answered(id, "under-way")
  const arm = (attempt: Attempt) => Effect.as(timers.arm([{ attempt, cause }]), answered(id, "armed"))
  // Nothing is in the hands of the dispatcher or the gateway that was given to them before we were asked.
  const passed = before(consumers.dispatcherTimers.durable) > asked && lane > asked
  const stage = stageOf(heard, attempt)
  switch (stage._tag) {
    case "Ended":
      return answered(id, "ended")
    case "Waiting": {
      const due = toMillis(attempt.sendAt) - longestLead < now
      const taken = attempt.attempt === 1 || before(consumers.schedulerRetries.durable) > plannedAt
      return taken && (passed || !due) ? yield* arm(attempt) : inHands
    }
    case "Dispatched":
      return lane > stage.at && passed
        ? yield* arm({ ...attempt, ...(stage.partsSent > 0 ? { partsSent: stage.partsSent } : {}) })
        : inHands
    case "Started":
      return lane > stage.at
        ? { ...answered(id, "unknown"), event: failedEvent(attempt, stage.partsSent, interrupted, now) }
        : inHands
    case "Failed":
      return before(consumers.dispatcherFailures.durable) > stage.at
        ? yield* Effect.as(sayAgain(heard, stage.sequence, cause), answered(id, "redecided"))
        : inHands
  }
})

/** Under its own id, which every reader but the one whose work was lost knows already. */
const sayAgain = Effect.fnUntraced(function* (heard: ReadonlyArray<Heard>, sequence: number, cause: string) {
  const { publish } = yield* Publisher
  const failed = yield* read(
    heard.find((one) => one.sequence === sequence),
    decodeToPassOn(events["attempt-failed"])
  )
  if (!failed) return
  const message = eventMessage(failed as EventOf<"attempt-failed">, "scheduler")
  yield* publish([{ ...message, messageId: `${message.messageId}.${cause}` }])
})
