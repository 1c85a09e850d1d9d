// Started once for the whole test run: the nats-server binary at hand, and one Postgres that every test gets a database of.
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { home } from "../../deploy/local/LocalServers.ts"
import { locateNatsServer } from "../../deploy/local/NatsServerBinary.ts"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"

declare module "vitest" {
  interface ProvidedContext {
    readonly natsServer: string
    readonly postgresUrl: string
  }
}

export default async (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), "carillon-test-"))
  chmodSync(folder, 0o755)
  const scope = Scope.makeUnsafe()
  const [natsServer, postgres] = await Effect.runPromise(
    Effect.all([
      locateNatsServer({ cacheDir: join(home, "bin") }),
      startPostgres({ dataDir: join(folder, "postgres"), port: 0, database: "test", disposable: true })
    ]).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
  )
  project.provide("natsServer", natsServer)
  project.provide("postgresUrl", postgres.url)
  return async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }
}
