// A service that is started while a cluster has lost too many of its servers waits for them.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import { inject } from "vitest"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { natsServers } from "../../chaos/world/NatsServers.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const cluster = Effect.gen(function* () {
  const folder = join(yield* temporaryFolder("quorum"), "nats")
  mkdirSync(folder)
  return yield* natsServers(3, folder, inject("natsServer"))
})

describe("a cluster without a majority", () => {
  it.live("is waited for by a service that starts, which then makes its streams", () =>
    Effect.gen(function* () {
      const { ports, servers, manager, urlFor } = yield* cluster
      yield* Effect.forEach(servers.slice(1), ({ kill9 }) => kill9, { concurrency: "unbounded" })
      const said: Array<string> = []
      const starting = yield* provision([consumers.schedulerCommands]).pipe(
        Effect.provide(natsLayer("test")),
        Effect.provide(
          Layer.mergeAll(
            Readiness.layer,
            Logger.layer([Logger.make(({ message }) => void said.push(String(message)))]),
            ConfigProvider.layer(
              ConfigProvider.fromUnknown({ NATS_URL: urlFor("scheduler", ports.slice(0, 1)), STREAMS_REPLICAS: "3" })
            )
          )
        ),
        Effect.forkChild
      )
      yield* Effect.sync(() => said.some((line) => line.startsWith("Waiting: ")) || starting.pollUnsafe()).pipe(
        Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: Boolean })
      )
      assert.isUndefined(starting.pollUnsafe(), "it has not given up")
      yield* Effect.forEach(servers, ({ start }) => start, { concurrency: "unbounded" })
      yield* Fiber.join(starting)
      const { cluster: peers, config } = yield* Effect.promise(() => manager.streams.info("COMMANDS"))
      assert.strictEqual(config.num_replicas, 3)
      assert.lengthOf(peers?.replicas ?? [], 2)
    })
  )
})
