// A nats-server of a test's own, on a free port, that can be stopped, killed and started again on the same data.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigProvider, Effect, Exit, Scope } from "effect"
import { inject } from "vitest"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { startNatsServer } from "../../deploy/local/NatsServer.ts"

export interface TestNats {
  readonly url: string
  readonly port: number
  /** Where it keeps its data. */
  readonly storeDir: string
  readonly start: Effect.Effect<void>
  readonly stop: Effect.Effect<void>
  readonly kill9: Effect.Effect<void>
  /** So that layers built under it find this server. */
  readonly configProvider: ConfigProvider.ConfigProvider
}

/** Started; stopped and its data removed when the scope closes. */
export const testNats = Effect.gen(function* () {
  const storeDir = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "carillon-nats-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const port = yield* freePort
  const url = `nats://127.0.0.1:${port}`
  let running: { readonly scope: Scope.Closeable; readonly pid: number } | undefined

  const stop = Effect.suspend(() => {
    const closing = running ? Scope.close(running.scope, Exit.void) : Effect.void
    running = undefined
    return closing
  })
  const nats: TestNats = {
    url,
    port,
    storeDir,
    start: Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { pid } = yield* startNatsServer({ binary: inject("natsServer"), port, storeDir }).pipe(
        Scope.provide(scope),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      running = { scope, pid }
    }).pipe(Effect.orDie),
    stop,
    kill9: Effect.andThen(
      Effect.sync(() => running && process.kill(running.pid, "SIGKILL")),
      stop
    ),
    configProvider: ConfigProvider.fromUnknown({ NATS_URL: url })
  }
  yield* nats.start
  yield* Effect.addFinalizer(() => nats.stop)
  return nats
})
