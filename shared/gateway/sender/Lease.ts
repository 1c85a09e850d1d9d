// One active replica for each sender, so that its limits can be kept exactly, in memory: a lease in NATS that ends by
// itself when it is not renewed. Who cannot renew it stops before another can have it.
import { Effect, Option, type Scope } from "effect"
import type { Platform, Sender } from "#shared/contract/fields/Fields.ts"
import { attempt, Nats, type NatsError } from "#shared/nats/connection/Nats.ts"
import { leaseSeconds, Subject } from "#shared/nats/layout/Topology.ts"
import { isConflict } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

const renewEveryMillis = 1_000
/** For clocks that run apart, and for the request itself. */
const marginMillis = 1_000
const safeMillis = leaseSeconds * 1_000 - marginMillis
/** A lease that is so old ended long ago, whatever NATS says. */
const leftAfterMillis = 3 * leaseSeconds * 1_000

export interface Lease {
  /** False from the moment at which another may have it. */
  readonly holds: () => boolean
  /** Waits while only the wall clock, or that of NATS, says that its time is over, until it is renewed or lost: a second, as a rule. */
  readonly sure: Effect.Effect<void>
  /** Whether another has it now. */
  readonly taken: Effect.Effect<boolean, NatsError>
  /** Ends when it is lost. */
  readonly lost: Effect.Effect<void>
}

/** Waits until the lease is free, holds it until the scope closes, and then gives it back. */
export const leaseOf = Effect.fnUntraced(function* (platform: Platform, sender: Sender) {
  const { clock, js, manager, told } = yield* Nats
  const log = yield* EventLog
  const subject = Subject.sender(platform, sender, "lease")
  let sequence = 0
  let [until, untilOn, claimedAt] = [0, 0, 0]

  const claim = Effect.gen(function* () {
    const [askedAt, askedOn, askedAtTheirs] = [performance.now(), Date.now(), clock.now()]
    const { seq } = yield* attempt("hold a lease", () =>
      js.publish(subject, "", {
        ttl: `${leaseSeconds}s`,
        expect: { lastSubjectSequence: sequence },
        timeout: renewEveryMillis
      } as never)
    ).pipe(Effect.tapError((error) => Effect.sync(() => told(subject, isConflict(error)))))
    told(subject, true)
    sequence = seq
    until = askedAt + safeMillis
    untilOn = askedOn + safeMillis
    claimedAt = askedAtTheirs
  })
  const mayHold = () => performance.now() < until
  // While the machine sleeps the steady clock stands still, and only the wall clock knows; that one may have been set. Of a
  // virtual machine that is paused both stand still, and only the clock of NATS knows.
  const holds = () => mayHold() && Date.now() < untilOn && clock.leftBehindAt() <= claimedAt

  /** A nats-server that is killed may come back with a lease and forget that it was to end: then nobody could send any more. */
  const takeOverLeft = Effect.gen(function* () {
    const found = Option.getOrUndefined(yield* log.last("SENDERS", subject))
    sequence = 0
    if (!found || clock.now() - found.storedAt < leftAfterMillis) return
    yield* Effect.logWarning(`${sender}: a lease stands although its time is over: taking it`)
    sequence = found.sequence
  })

  const acquired = claim.pipe(
    Effect.as(true),
    Effect.catch((error) => Effect.as(Effect.ignore(isConflict(error) ? takeOverLeft : Effect.void), false))
  )
  yield* Effect.acquireRelease(
    Effect.gen(function* () {
      while (!(yield* acquired)) yield* Effect.sleep(renewEveryMillis)
    }),
    () => Effect.ignore(attempt("give a lease back", () => manager.streams.deleteMessage("SENDERS", sequence, false))),
    { interruptible: true }
  )

  const lost = Effect.gen(function* () {
    while (mayHold()) {
      yield* Effect.sleep(renewEveryMillis)
      const renewed = yield* Effect.result(claim)
      if (renewed._tag === "Failure" && isConflict(renewed.failure)) until = 0
    }
  })
  // What was ours last may stand a moment longer.
  const taken = Effect.map(
    log.last("SENDERS", subject),
    (found) => Option.isSome(found) && found.value.sequence > sequence
  )
  const sure = Effect.gen(function* () {
    while (mayHold() && !holds()) yield* Effect.sleep("50 millis")
  })
  return { holds, sure, taken, lost } satisfies Lease
}) satisfies (platform: Platform, sender: Sender) => Effect.Effect<Lease, never, EventLog | Nats | Scope.Scope>
