// A Postgres of a test's own, on a free port, that can be stopped, killed and started again on the same data.
import { join } from "node:path"
import { Effect, Exit, Schedule, Scope } from "effect"
import { freePort } from "../../../deploy/local/LocalServer.ts"
import { startPostgres } from "../../../deploy/local/PostgresServer.ts"
import { type Restartable, restartable } from "../../../deploy/local/Restartable.ts"
import { temporaryFolder } from "../../../deploy/local/TemporaryFolder.ts"

export interface TestPostgres extends Restartable {
  /** Of its database `carillon`. */
  readonly url: string
}

/** Started; stopped and its data removed when the scope closes. Not disposable: killed, it keeps what it has committed. */
export const testPostgres = Effect.gen(function* () {
  const dataDir = join(yield* temporaryFolder("postgres"), "data")
  const port = yield* freePort
  let url = ""
  // Tried for a while: children of one that was killed may still hold its memory.
  const run = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const started = yield* startPostgres({ dataDir, port, database: "carillon" }).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    url = started.url
    return started
  }).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 50 }))
  const server = yield* restartable(run)
  yield* server.start
  return { ...server, url } satisfies TestPostgres
})
