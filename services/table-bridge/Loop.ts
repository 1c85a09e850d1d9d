// A loop of the bridge: does its work until nothing is left, then waits to be woken or for its next look. Trouble with a
// server is waited out; what a person must change ends the service.
import { Effect, Queue, Schema } from "effect"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { PostgresError, RefusedByPostgres } from "#shared/postgres/PostgresErrors.ts"

const passing = Schema.is(Schema.Union([NatsError, PostgresError, RefusedByPostgres]))

export interface Looks {
  readonly name: string
  readonly everyMillis: number
  readonly woken?: Queue.Dequeue<void>
}

/** The work answers whether more of it waits. Runs until interrupted. */
export const keepDoing = Effect.fnUntraced(function* <E, R>(
  { name, everyMillis, woken }: Looks,
  work: Effect.Effect<boolean, E, R>
) {
  let failures = 0
  const rest = Effect.sleep(everyMillis)
  while (true) {
    const more = yield* Effect.catchIf(work, passing, (error) =>
      Effect.gen(function* () {
        yield* Effect.logWarning(`${name} waits: ${(error as Error).message}`)
        yield* Effect.sleep(Math.min(30_000, 500 * 2 ** failures++))
        return undefined
      })
    )
    if (more === undefined) continue
    failures = 0
    if (!more) yield* woken ? Effect.raceFirst(Queue.take(woken), rest) : rest
  }
})
