// Started once for the whole test run: the nats-server binary at hand, and one Postgres that every test gets a database of.
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { home } from "../../../deploy/local/Home.ts"
import { locateNatsServer } from "../../../deploy/local/NatsServerBinary.ts"
import { startPostgres } from "../../../deploy/local/PostgresServer.ts"
import { temporaryFolder } from "../../../deploy/local/TemporaryFolder.ts"

declare module "vitest" {
  interface ProvidedContext {
    readonly natsServer: string
    readonly postgresUrl: string
  }
}

const start = Effect.gen(function* () {
  const folder = yield* temporaryFolder("test")
  return yield* Effect.all([
    locateNatsServer({ cacheDir: join(home, "bin") }),
    startPostgres({ dataDir: join(folder, "postgres"), port: 0, database: "test", disposable: true })
  ])
})

export default async (project: TestProject) => {
  const scope = Scope.makeUnsafe()
  const [natsServer, postgres] = await Effect.runPromise(
    start.pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
  )
  project.provide("natsServer", natsServer)
  project.provide("postgresUrl", postgres.url)
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
