// Listens to people while this replica is the active one: says to the platform how updates are to come, makes known the
// address of links, and asks for updates where they are not brought.
import { Cause, Deferred, Effect, Option } from "effect"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import type { SenderDefinition } from "../Platform.ts"
import { readProfile, writeProfile } from "../sender/SenderRecord.ts"
import { hearing } from "../sending/Observed.ts"
import type { InboundDefinition, Update } from "./Inbound.ts"
import { type Hearer, hearUpdate } from "./Updates.ts"

/**
 * Runs until interrupted. What the platform refuses is tried again for as long: messages are sent meanwhile. `caughtUp` is
 * done when what waited at the platform is dealt with.
 */
export const hear = (hearer: Hearer, inbound: InboundDefinition, caughtUp: Deferred.Deferred<void>) =>
  Effect.all([makeKnown(hearer, inbound), listen(hearer, inbound, caughtUp)], {
    concurrency: "unbounded",
    discard: true
  })

/** Two questions take a second at most, if they are answered at all; nobody's reminder is to be much later than that. */
const longestCatchUpMillis = 10_000

/**
 * Whoever opted out while nobody listened is heard before what waited meanwhile is sent to them. Waits where opting out is
 * obeyed and updates are asked for, and not for long: what is brought comes when it comes.
 */
export const untilCaughtUp = Effect.fnUntraced(function* (
  { inbound, name, obeysOptOut }: SenderDefinition,
  caughtUp: Deferred.Deferred<void>
) {
  if (!obeysOptOut || inbound?.source.way !== "polling") return
  const done = yield* Effect.timeoutOption(Deferred.await(caughtUp), longestCatchUpMillis)
  if (Option.isNone(done))
    yield* Effect.logWarning(`${name}: sends although who opted out meanwhile may not have been heard yet`)
})

const makeKnown = Effect.fnUntraced(function* ({ platform, sender }: Hearer, { linkPrefix }: InboundDefinition) {
  const prefix = yield* untilDone(`${sender}: links have no address yet`, linkPrefix)
  const known = yield* persistently(readProfile(platform, sender))
  if (Option.exists(known, (profile) => profile.linkPrefix === prefix)) return
  yield* persistently(writeProfile(platform, sender, { linkPrefix: prefix }))
})

const listen = Effect.fnUntraced(function* (
  hearer: Hearer,
  inbound: InboundDefinition,
  caughtUp: Deferred.Deferred<void>
) {
  const { sender } = hearer
  let failing = false
  const onTrouble = (is: boolean) => {
    failing = is
  }
  yield* hearing(hearer, () => failing)
  yield* untilDone(`${sender}: updates cannot be asked for`, inbound.prepare, onTrouble)
  const { source } = inbound
  if (source.way === "webhook") return yield* Effect.never
  let position: string | undefined
  let waits = false
  while (true) {
    const polled = yield* untilDone(
      `${sender}: updates do not come in`,
      Effect.suspend(() => source.poll(position, waits)),
      onTrouble
    )
    // Confirmed by the next question only, when all of these are dealt with.
    for (const update of polled.updates) yield* dealWith(hearer, inbound, update)
    position = polled.position
    if (waits || polled.more) continue
    waits = true
    yield* Deferred.succeed(caughtUp, undefined)
  }
}, Effect.scoped)

const dealWith = (hearer: Hearer, inbound: InboundDefinition, update: Update) =>
  persistently(hearAndAnswer(hearer, inbound, update)).pipe(
    // A bug that one update brings out must not hold back all others: it is left out, aloud.
    Effect.catchCauseIf(Cause.hasDies, () =>
      Effect.logError(`${hearer.sender}: update ${update.id} cannot be dealt with and is left out`)
    )
  )

/** The answer is not waited for. */
export const hearAndAnswer = Effect.fnUntraced(function* (hearer: Hearer, inbound: InboundDefinition, update: Update) {
  const heard = yield* hearUpdate(hearer, update)
  if (Option.isSome(heard)) yield* Effect.forkDetach(inbound.answer(update, heard.value))
})

/** Said aloud when it begins to fail, and when it works again. */
const untilDone = <A>(
  trouble: string,
  step: Effect.Effect<A, Error>,
  onTrouble: (is: boolean) => void = () => {}
): Effect.Effect<A> =>
  Effect.gen(function* () {
    let failures = 0
    while (true) {
      const result = yield* Effect.result(step)
      onTrouble(result._tag === "Failure")
      if (result._tag === "Success") {
        if (failures > 0) yield* Effect.logInfo(`${trouble}: over, after ${failures} failures`)
        return result.success
      }
      if (failures === 0) yield* Effect.logWarning(`${trouble}: ${result.failure.message}`)
      yield* Effect.sleep(Math.min(longestWaitMillis, firstWaitMillis * 2 ** failures++))
    }
  })

const firstWaitMillis = 500
const longestWaitMillis = 30_000
