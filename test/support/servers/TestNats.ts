// A nats-server of a test's own, on a free port, that can be stopped, killed and started again on the same data.
import { ConfigProvider, Effect } from "effect"
import { inject } from "vitest"
import { freePort } from "../../../deploy/local/LocalServer.ts"
import { type NatsServerOptions, startNatsServer } from "../../../deploy/local/NatsServer.ts"
import { type Restartable, restartable } from "../../../deploy/local/Restartable.ts"
import { temporaryFolder } from "../../../deploy/local/TemporaryFolder.ts"

export interface TestNats extends Restartable {
  readonly url: string
  readonly port: number
  /** Where it keeps its data. */
  readonly storeDir: string
  /** So that layers built under it find this server. */
  readonly configProvider: ConfigProvider.ConfigProvider
}

/** With its data or its port in another place, a limit on its data, or further lines of configuration. */
export const testNatsWith = Effect.fnUntraced(function* (
  options: Partial<Pick<NatsServerOptions, "extra" | "maxStoreBytes" | "port" | "storeDir">>
) {
  const storeDir = options.storeDir ?? (yield* temporaryFolder("nats"))
  const port = options.port ?? (yield* freePort)
  const url = `nats://127.0.0.1:${port}`
  const server = yield* restartable(startNatsServer({ ...options, binary: inject("natsServer"), port, storeDir }))
  yield* server.start
  const configProvider = ConfigProvider.fromUnknown({ NATS_URL: url })
  return { ...server, url, port, storeDir, configProvider } satisfies TestNats
})

/** Started; stopped and its data removed when the scope closes. */
export const testNats = testNatsWith({})
