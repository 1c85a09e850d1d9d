// The store of time: one native NATS timer per waiting message, armed create-only, replaced and cancelled atomically.
import { Context, Effect, Layer, Option, Result } from "effect"
import { decodeToPassOn } from "#shared/actor/Decode.ts"
import { attemptEventId, type Headers } from "#shared/contract/CloudEvents.ts"
import { Attempt, type Message } from "#shared/contract/Events.ts"
import type { Instant, MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { changedByHeader } from "#shared/nats/messages/Headers.ts"
import { type Fate, type Outgoing, Publisher, scheduledAt } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { setting, whole } from "#shared/service/Settings.ts"

/** What stands so long after its time, timer or tick, does not fire by itself any more. Milliseconds. */
export const stuckAfter = 10_000

export interface Pending {
  readonly attempt: Attempt
  readonly firesAt: Instant
  readonly sequence: number
  readonly changedBy: string | undefined
}

export interface Wanted {
  readonly attempt: Attempt
  /** The change that arms this attempt anew: else NATS would take it for the one it has seen. */
  readonly cause?: string
  /** The command that set it, if it is not as it was scheduled. */
  readonly changedBy?: string | undefined
  /** Headers that the fired message will carry. */
  readonly trace?: Headers | undefined
}

/** For a caller whose work was redelivered: what has fired or was changed since is left alone. */
export interface PerhapsArmed {
  /** From when on these attempts may have been armed before. */
  readonly since: number
  /** Changes (their sequences) that the caller itself is carrying out. */
  readonly own?: ReadonlySet<number>
}

export class Timers extends Context.Service<
  Timers,
  {
    /** Arms what is not armed yet. */
    arm(wanted: ReadonlyArray<Wanted>, perhaps?: PerhapsArmed): Effect.Effect<void, NatsError>
    /** The timer that waits for a message, if one does. */
    pending(id: MessageId): Effect.Effect<Option.Option<Pending>, NatsError>
    /** Of these messages those for which one waits, each as it waits. */
    waiting(ids: ReadonlyArray<MessageId>): Effect.Effect<ReadonlyMap<MessageId, Message>, NatsError>
    /** Puts a timer that has not fired in its time in its own place, so that NATS looks at it anew; `conflict` if it has. */
    anew(old: Pending, cause: string): Effect.Effect<Fate, NatsError>
    /**
     * Puts a change in its place, in one step with its removal; `conflict` if it has fired or changed since it was
     * looked up. The headers go with the change.
     */
    change(old: Pending, change: TimerChange, headers: Headers): Effect.Effect<Fate, NatsError>
    /** A change of it waits to be carried out. */
    changing(id: MessageId): Effect.Effect<boolean, NatsError>
    /**
     * How far each message is that has no timer: a change of it waits to be carried out, or it was cancelled since then.
     * Nothing of one that has a timer by now.
     */
    without(
      messages: ReadonlyArray<Message>,
      since: PerhapsArmed
    ): Effect.Effect<ReadonlyMap<MessageId, "changing" | "cancelled" | "fired">, NatsError>
  }
>()("scheduler/Timers") {
  static readonly layer = Layer.effect(
    Timers,
    Effect.gen(function* () {
      const lead = yield* timerLead
      const { publish } = yield* Publisher
      const log = yield* EventLog

      const carried = ({ attempt, cause, trace }: Wanted) => ({
        payload: JSON.stringify(attempt),
        headers: { ...timerHeaders(attempt), ...trace },
        messageId: `${attempt.message.id}.${attempt.attempt}${cause === undefined ? "" : `.${cause}`}`
      })

      const toWait = (wanted: Wanted, firesAt: Instant, expectedSequence: number): Outgoing => {
        const { headers, ...rest } = carried(wanted)
        const { attempt, changedBy } = wanted
        const { id, platform } = attempt.message
        return {
          ...rest,
          subject: Subject.pending(id),
          headers: {
            ...headers,
            "carillon-fires-at": firesAt,
            ...(changedBy === undefined ? {} : { [changedByHeader]: changedBy })
          },
          expectedSequence,
          schedule: { at: firesAt, target: Subject.due(platform) }
        }
      }

      const timer = (wanted: Wanted, now: number): Outgoing => {
        const fireAt = toMillis(wanted.attempt.sendAt) - lead
        // NATS looks at its timers every 250 ms: what is due within the lead goes on its way directly.
        return fireAt <= now
          ? { ...carried(wanted), subject: Subject.due(wanted.attempt.message.platform) }
          : toWait(wanted, fromMillis(fireAt), 0)
      }

      const pending = (id: MessageId) =>
        Effect.map(
          log.last("TIMERS", Subject.pending(id)),
          Option.map((timer) => ({
            attempt: decodeAttempt(timer.text),
            firesAt: scheduledAt(timer),
            sequence: timer.sequence,
            changedBy: timer.header(changedByHeader)
          }))
        )

      const changing = (id: MessageId, platform: Platform | "*" = "*", own?: PerhapsArmed["own"]) =>
        Effect.map(
          log.last("TIMERS", Subject.changed(platform, id)),
          Option.exists(({ sequence }) => !own?.has(sequence))
        )

      // In this order: a change that has been carried out is in the log by then.
      const without = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>, { since, own }: PerhapsArmed) {
        const inChange = yield* Effect.filter(messages, ({ id, platform }) => changing(id, platform, own), {
          concurrency: 50
        })
        const changingIds = new Set(inChange.map(({ id }) => id))
        const cancellation = ({ id }: Message) => attemptEventId(id, undefined, "cancelled")
        const oneOfEach = messages.flatMap((message) => (changingIds.has(message.id) ? [] : [[cancellation(message)]]))
        const cancelled = yield* log.idsSince(["cancelled"], since, { oneOfEach })
        const wasCancelled = (message: Message) => cancelled.has(cancellation(message))
        const left = messages.filter((message) => !changingIds.has(message.id) && !wasCancelled(message))
        // A change may have been carried out since its timer was looked for.
        const fired = yield* Effect.filter(left, ({ id }) => Effect.map(pending(id), Option.isNone), {
          concurrency: 50
        })
        return new Map([
          ...messages.filter(wasCancelled).map(({ id }) => [id, "cancelled"] as const),
          ...fired.map(({ id }) => [id, "fired"] as const),
          ...inChange.map(({ id }) => [id, "changing"] as const)
        ])
      })

      const stillToArm = Effect.fnUntraced(function* (wanted: ReadonlyArray<Wanted>, perhaps: PerhapsArmed) {
        const ends = wanted.map(({ attempt: { message, attempt } }) => [
          attemptEventId(message.id, attempt, "dispatched"),
          attemptEventId(message.id, attempt, "expired"),
          // Which takes the others away.
          attemptEventId(message.id, undefined, "erased")
        ])
        const gone = yield* log.idsSince(["dispatched", "expired", "erased"], perhaps.since, { oneOfEach: ends })
        const left = wanted.filter((_, index) => !ends[index]?.some((id) => gone.has(id)))
        const states = yield* without(
          left.map(({ attempt: { message } }) => message),
          perhaps
        )
        // Rescheduled since, its timer stands, and what is due within the lead would go on its way in spite of it.
        return left.filter(({ attempt: { message } }) => states.get(message.id) === "fired")
      })

      return Timers.of({
        arm: Effect.fnUntraced(function* (wanted, perhaps) {
          const missing = perhaps === undefined ? wanted : yield* stillToArm(wanted, perhaps)
          const now = Date.now()
          // `conflict` means that the timer stands already.
          yield* publish(missing.map((one) => timer(one, now)))
        }),
        pending,
        waiting: (ids) =>
          Effect.map(log.lastOfEach("TIMERS", ids.map(Subject.pending)), (found) => {
            const messages = found.map(({ text }) => decodeAttempt(text).message)
            return new Map(messages.map((message) => [message.id, message]))
          }),
        anew: (old, cause) =>
          Effect.map(
            publish([toWait({ attempt: old.attempt, cause, changedBy: old.changedBy }, old.firesAt, old.sequence)]),
            ([fate]) => fate ?? "conflict"
          ),
        change: (old, change, headers) => {
          const { id, platform } = change.old.message
          return Effect.map(
            publish([
              {
                subject: Subject.changed(platform, id),
                payload: JSON.stringify(change),
                headers: { ...headers, "ce-subject": id },
                expectedSequence: old.sequence,
                expectedOf: Subject.pending(id),
                cancelSchedule: Subject.pending(id)
              }
            ]),
            ([fate]) => fate ?? "conflict"
          )
        },
        changing: (id) => changing(id),
        without
      })
    })
  )
}

const timerLead = setting("TIMER_LEAD_MILLIS", whole(0, 60_000), {
  says: "How long before its time a message is taken up, so that it is ready when the time comes; from then on it is cancelled only if a gateway has to hold it",
  unit: "milliseconds",
  byDefault: 2_000
})

/** NATS copies these to the fired message. */
const timerHeaders = ({ message, attempt }: Attempt) => ({ "ce-subject": message.id, "ce-attempt": String(attempt) })

// We wrote it: a timer that cannot be read is a bug.
const decodeAttempt = (text: string) => Result.getOrThrow(readAttempt(text))
const readAttempt = decodeToPassOn(Attempt)
