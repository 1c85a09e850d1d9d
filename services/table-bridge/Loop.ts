// A loop of the bridge: does its work until nothing is left, then waits to be woken or for its next look. Trouble with a
// server is waited out; what a person must change ends the service.
import { Clock, Effect, Queue, Schema } from "effect"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { PostgresError, RefusedByPostgres } from "#shared/postgres/PostgresErrors.ts"

const passing = Schema.is(Schema.Union([NatsError, PostgresError, RefusedByPostgres]))

/** The loops by name; of one that failed since it last succeeded, since when, and when last, in milliseconds. */
export type Failing = Map<string, { readonly since: number; readonly last: number } | undefined>

/** A failing loop is tried again at least so often: one that has gone on for longer since then works. */
const silentMillis = 120_000

/** For how many seconds it fails by now; 0 if it works. */
export const failingFor = (failing: Failing, name: string, now: number) => {
  const found = failing.get(name)
  return found === undefined || now - found.last > silentMillis ? 0 : (now - found.since) / 1_000
}

export interface Looks {
  readonly name: string
  readonly failing: Failing
  readonly everyMillis: number
  readonly woken?: Queue.Dequeue<void>
}

/** The work answers whether more of it waits. Runs until interrupted. */
export const keepDoing = Effect.fnUntraced(function* <E, R>(
  { name, failing, everyMillis, woken }: Looks,
  work: Effect.Effect<boolean, E, R>
) {
  let failures = 0
  failing.set(name, undefined)
  const rest = Effect.sleep(everyMillis)
  while (true) {
    const more = yield* Effect.catchIf(work, passing, (error) =>
      Effect.gen(function* () {
        yield* Effect.logWarning(`${name} waits: ${(error as Error).message}`)
        const now = yield* Clock.currentTimeMillis
        const goesOn = failingFor(failing, name, now) > 0
        failing.set(name, { since: (goesOn ? failing.get(name)?.since : undefined) ?? now, last: now })
        yield* Effect.sleep(Math.min(30_000, 500 * 2 ** failures++))
        return undefined
      })
    )
    if (more === undefined) continue
    failures = 0
    failing.set(name, undefined)
    if (!more) yield* woken ? Effect.raceFirst(Queue.take(woken), rest) : rest
  }
})
