// The store of time: one native NATS timer per waiting message, armed create-only, replaced and cancelled atomically.
import { Config, Context, Effect, Layer, Option, Schema } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import { Attempt } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"
import type { CancelledTimer } from "#shared/contract/Timer.ts"
import { EventLog } from "#shared/nats/EventLog.ts"
import type { NatsError } from "#shared/nats/Nats.ts"
import { type Fate, type Outgoing, Publisher } from "#shared/nats/Publisher.ts"
import { Subject } from "#shared/nats/Topology.ts"

export interface Pending {
  readonly attempt: Attempt
  readonly sequence: number
}

export class Timers extends Context.Service<
  Timers,
  {
    /**
     * Arms what is not armed yet. A caller whose work was redelivered gives the time from which on these attempts may
     * have been armed before: those that have fired or were cancelled since are left alone.
     */
    arm(attempts: ReadonlyArray<Attempt>, mayBeArmedSince?: number): Effect.Effect<void, NatsError>
    /** The timer that waits for a message, if one does. */
    pending(id: MessageId): Effect.Effect<Option.Option<Pending>, NatsError>
    /** Puts another timer in its place; `conflict` if it has fired or changed since it was looked up. */
    replace(old: Pending, attempt: Attempt, cause: string): Effect.Effect<Fate, NatsError>
    /** Takes it away for good, in one step with the record that it was; `conflict` as above. */
    cancel(old: Pending, cancelled: CancelledTimer): Effect.Effect<Fate, NatsError>
    /** True if the message was cancelled since the given time. */
    wasCancelled(attempt: Attempt["message"], since: number): Effect.Effect<boolean, NatsError>
  }
>()("scheduler/Timers") {
  static readonly layer = Layer.effect(
    Timers,
    Effect.gen(function* () {
      const lead = yield* timerLead
      const { publish } = yield* Publisher
      const log = yield* EventLog

      const timer = (attempt: Attempt, now: number): Outgoing => {
        const { id, platform } = attempt.message
        const fireAt = toMillis(attempt.sendAt) - lead
        const carried = {
          payload: JSON.stringify(attempt),
          headers: timerHeaders(attempt),
          messageId: `${id}.${attempt.attempt}`
        }
        // NATS looks at its timers every 250 ms: what is due within the lead goes on its way directly.
        return fireAt <= now
          ? { ...carried, subject: Subject.due(platform) }
          : {
              ...carried,
              subject: Subject.pending(id),
              expectedSequence: 0,
              schedule: { at: fromMillis(fireAt), target: Subject.due(platform) }
            }
      }

      const wasCancelled = Effect.fnUntraced(function* (message: Attempt["message"], since: number) {
        const waiting = yield* log.last("TIMERS", Subject.cancelled(message.platform, message.id))
        if (Option.isSome(waiting)) return true
        return (yield* log.idsSince(["cancelled"], since)).has(attemptEventId(message.id, undefined, "cancelled"))
      })

      const stillToArm = Effect.fnUntraced(function* (attempts: ReadonlyArray<Attempt>, since: number) {
        const gone = yield* log.idsSince(["dispatched", "expired"], since)
        return yield* Effect.filter(attempts, ({ message, attempt }) =>
          gone.has(attemptEventId(message.id, attempt, "dispatched")) ||
          gone.has(attemptEventId(message.id, attempt, "expired"))
            ? Effect.succeed(false)
            : Effect.map(wasCancelled(message, since), (cancelled) => !cancelled)
        )
      })

      return Timers.of({
        arm: Effect.fnUntraced(function* (attempts, mayBeArmedSince) {
          const wanted = mayBeArmedSince === undefined ? attempts : yield* stillToArm(attempts, mayBeArmedSince)
          const now = Date.now()
          // `conflict` means that the timer stands already.
          yield* publish(wanted.map((attempt) => timer(attempt, now)))
        }),
        pending: (id) =>
          Effect.map(
            log.last("TIMERS", Subject.pending(id)),
            Option.map(({ text, sequence }) => ({ attempt: decodeAttempt(text), sequence }))
          ),
        replace: (old, attempt, cause) => {
          const { id, platform } = attempt.message
          return only(
            publish([
              {
                subject: Subject.pending(id),
                payload: JSON.stringify(attempt),
                headers: timerHeaders(attempt),
                messageId: `${id}.${attempt.attempt}.${cause}`,
                expectedSequence: old.sequence,
                schedule: { at: fromMillis(toMillis(attempt.sendAt) - lead), target: Subject.due(platform) }
              }
            ])
          )
        },
        cancel: (old, cancelled) =>
          only(
            publish([
              {
                subject: Subject.cancelled(cancelled.platform, cancelled.id),
                payload: JSON.stringify(cancelled),
                headers: { "ce-subject": cancelled.id },
                expectedSequence: old.sequence,
                expectedOf: Subject.pending(cancelled.id),
                cancelSchedule: Subject.pending(cancelled.id)
              }
            ])
          ),
        wasCancelled
      })
    })
  )
}

/** How long before its time a message is taken up, so that it is ready when the time comes. Milliseconds. */
const timerLead = Config.Int("TIMER_LEAD_MILLIS").pipe(Config.withDefault(2_000))

/** NATS copies these to the fired message. */
const timerHeaders = ({ message, attempt }: Attempt) => ({ "ce-subject": message.id, "ce-attempt": String(attempt) })

// We wrote it: a timer that cannot be read is a bug.
const decodeAttempt = Schema.decodeUnknownSync(Schema.fromJsonString(Attempt))

const only = (fates: Effect.Effect<ReadonlyArray<Fate>, NatsError>) => Effect.map(fates, ([fate]) => fate ?? "conflict")
