// What every gateway does: takes dispatched messages ahead of time, releases each at its instant under the sender's
// limit, records the intent before the platform is called and the outcome after it.
import { Array, Config, Effect, Fiber, Option, Queue, Result, Schedule } from "effect"
import { poison, redeliveredSince, settle } from "#shared/actor/Actor.ts"
import { decodeWith } from "#shared/actor/Decode.ts"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import { type Event, events } from "#shared/contract/Events.ts"
import type { Platform } from "#shared/contract/Fields.ts"
import { inTime } from "#shared/contract/Submission.ts"
import { EventLog } from "#shared/nats/EventLog.ts"
import { type Delivery, openMailbox } from "#shared/nats/Mailbox.ts"
import type { NatsError } from "#shared/nats/Nats.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { ackWaitMillis, consumers } from "#shared/nats/Topology.ts"
import { expiredEvent, interrupted, outcomeEvent, startedEvent } from "./GatewayEvents.ts"
import { type Entry, Held } from "./Held.ts"
import { calling, ended, taken, watching } from "./Observed.ts"
import type { Outcome } from "./Outcome.ts"
import { RateLimit } from "./RateLimit.ts"

export interface GatewayOptions {
  readonly platform: Platform
  /** One call to the platform. Never fails: what happened is the outcome. */
  readonly send: (attempt: Entry["attempt"]) => Effect.Effect<Outcome>
  /** Sends under way at once. */
  readonly concurrency: number
  /** Sends in any second; 0 for no limit. */
  readonly perSecond: number
}

/** How long a stopping gateway waits for sends under way. Longer than a platform takes to answer, as a rule. */
const grace = Config.Int("SHUTDOWN_GRACE_SECONDS").pipe(Config.withDefault(50))

const decode = decodeWith(events.dispatched)

/** What happened to an entry, on its way into the log. */
interface Recorded {
  readonly entry: Entry
  readonly event: Event
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** NATS away: nothing in hand may be dropped, so the step waits until it succeeds. */
const persistently = <A, R>(step: Effect.Effect<A, NatsError, R>) =>
  step.pipe(
    Effect.tapError((error) => Effect.logWarning("will try again", error)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie
  )

export const runGateway = (options: GatewayOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const mailbox = consumers.gateway(options.platform)
      const graceSeconds = yield* grace
      yield* provision([mailbox])
      const log = yield* EventLog
      const { append } = yield* Publisher
      const scope = yield* Effect.scope
      const held = new Held()
      const limit = new RateLimit(options.perSecond)
      const outcomes = yield* Queue.unbounded<Recorded>()
      // Something changed that may let the next message go: one came, or a send ended.
      const changed = yield* Queue.sliding<void>(1)
      const signal = () => Queue.offerUnsafe(changed, undefined)
      const record = (entry: Entry, event: Event) => Queue.offerUnsafe(outcomes, { entry, event })
      let sending = 0
      yield* watching(options.platform, {
        held: () => held.size,
        sending: () => sending
      })

      const receive = Effect.fnUntraced(function* (batch: Array.NonEmptyReadonlyArray<Delivery>) {
        const since = redeliveredSince(batch)
        const said =
          since === undefined
            ? new Set<string>()
            : yield* log.idsSince(["send-started", "sent", "attempt-failed", "expired"], since)
        for (const delivery of batch) {
          const decoded = decode(delivery.string())
          if (Result.isFailure(decoded)) {
            yield* settle(mailbox, [delivery], [poison("undecodable")])
            continue
          }
          const { message, attempt } = decoded.success
          const has = (type: "send-started" | "sent" | "attempt-failed" | "expired") =>
            delivery.redelivered && said.has(attemptEventId(message.id, attempt, type))
          if (has("sent") || has("attempt-failed") || has("expired")) {
            delivery.ack()
            continue
          }
          const entry = held.take(delivery, decoded.success, () => taken(delivery, decoded.success))
          if (!entry) continue
          // It was being sent when its gateway was killed: whether it arrived, nobody knows.
          if (has("send-started")) record(entry, outcomeEvent(entry.attempt, interrupted, Date.now()))
          else held.hold(entry)
        }
        signal()
      })

      const intake = Effect.gen(function* () {
        const queue = yield* openMailbox(mailbox)
        while (true) {
          const batch = yield* Queue.takeBetween(queue, 1, 500)
          if (Array.isReadonlyArrayNonEmpty(batch)) yield* persistently(receive(batch))
        }
      }).pipe(Effect.scoped)

      const send = (entry: Entry) => {
        const answered = calling(entry)
        return options.send(entry.attempt).pipe(
          Effect.tap((outcome) =>
            Effect.sync(() => {
              sending--
              answered(outcome)
              record(entry, outcomeEvent(entry.attempt, outcome, Date.now()))
              signal()
            })
          ),
          Effect.forkIn(scope)
        )
      }

      const release = Effect.fnUntraced(function* (due: ReadonlyArray<Entry>, restore: Restore) {
        const now = Date.now()
        const [good, late] = Array.partition(due, (entry) =>
          inTime(entry.attempt.message, now) ? Result.succeed(entry) : Result.fail(entry)
        )
        for (const entry of late) record(entry, expiredEvent(entry.attempt, now))
        if (good.length === 0) return
        const intents = append(
          good.map((entry) => startedEvent(entry.attempt, now)),
          undefined,
          good.map(({ span }) => span.headers)
        )
        yield* restore(persistently(intents)).pipe(
          // Stopped before the intent stood: nothing was sent, and they wait as before.
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              for (const entry of good) held.hold(entry)
            })
          )
        )
        limit.took(Date.now(), good.length)
        sending += good.length
        for (const entry of good) yield* send(entry)
      })

      const releasing = Effect.gen(function* () {
        while (true) {
          const now = Date.now()
          const slots = Math.min(options.concurrency - sending, limit.free(now))
          const due = slots > 0 ? held.takeDue(now, slots) : []
          if (due.length > 0) {
            yield* Effect.uninterruptibleMask((restore) => release(due, restore))
            continue
          }
          const { nextAt } = held
          const blocked = nextAt === undefined || sending >= options.concurrency
          const wait = blocked ? 60_000 : Math.max(nextAt, limit.freeAt(now)) - now
          yield* Effect.timeoutOption(Queue.take(changed), Math.max(1, wait))
        }
      })

      const recording = Effect.gen(function* () {
        while (true) {
          const batch = yield* Queue.takeBetween(outcomes, 1, 500)
          const events = batch.map(({ event }) => event)
          const traces = batch.map(({ entry }) => entry.span.headers)
          yield* persistently(append(events, undefined, traces))
          for (const { entry, event } of batch) {
            ended(entry, event)
            entry.delivery.ack()
            held.settled(entry)
          }
          signal()
        }
      })

      /** Keeps what is in hand from being given to another. */
      const holding = Effect.gen(function* () {
        while (true) {
          yield* Effect.sleep(ackWaitMillis / 3)
          for (const { delivery } of held.inHand) delivery.working()
        }
      })

      const background = yield* Effect.forkIn(Effect.all([recording, holding], { concurrency: "unbounded" }), scope)

      /** Gives back what waits, so that another has it at once, and waits for what is under way. */
      const windDown = Effect.gen(function* () {
        for (const { delivery } of held.giveUp()) delivery.nak()
        while (held.size > 0) yield* Queue.take(changed)
      }).pipe(
        Effect.timeoutOption(graceSeconds * 1_000),
        Effect.tap((ended) =>
          Option.isSome(ended)
            ? Effect.void
            : Effect.logWarning(`${held.size} sends had no outcome when the time to stop was over: they are unknown`)
        )
      )

      yield* Effect.all([intake, releasing], { concurrency: "unbounded" }).pipe(
        Effect.raceFirst(Fiber.join(background)),
        Effect.ensuring(windDown)
      )
    })
  )
