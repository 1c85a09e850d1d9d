// A look into the log of a cluster finds what NATS has said is stored, though a replica may hear of it later.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { Consumer, ConsumerInfo } from "@nats-io/jetstream"
import { ConfigProvider, Effect } from "effect"
import { inject } from "vitest"
import { Nats } from "#shared/nats/Nats.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { readAll } from "#shared/nats/ReadAll.ts"
import { natsServers } from "../../chaos/NatsServers.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { natsLayerFor } from "../support/Layers.ts"

const cluster = Effect.gen(function* () {
  const folder = join(yield* temporaryFolder("replicas"), "nats")
  mkdirSync(folder)
  return yield* natsServers(3, folder, inject("natsServer"))
})

describe("a log of three replicas", () => {
  it.live("is read where its leader is: another may not have heard yet of what is stored", () =>
    Effect.gen(function* () {
      const { ports, manager, urlFor } = yield* cluster
      const NATS_URL = urlFor("scheduler", ports)
      yield* Effect.gen(function* () {
        yield* provision([])
        const { js } = yield* Nats
        const { publish } = yield* Publisher
        yield* publish([{ subject: "carillon.event.sent.telegram", payload: "{}", headers: {} }])
        // Of several consumers that a reading makes, the last one is what it reads by.
        let reader: Consumer | undefined
        const get: typeof js.consumers.get = async (...given) => {
          reader = await js.consumers.get(...given)
          return reader
        }
        const watched = Object.assign(Object.create(js) as typeof js, { consumers: { get } })
        const { cluster } = yield* Effect.promise(() => manager.streams.info("EVENTS"))
        assert.isDefined(cluster?.leader)
        for (let turn = 0; turn < 8; turn++) {
          let seen = 0
          yield* Effect.promise(() => readAll(watched, "EVENTS", {}, () => seen++))
          assert.strictEqual(seen, 1)
          const { cluster: at } = yield* Effect.promise(async () => (await reader?.info(true)) ?? ({} as ConsumerInfo))
          assert.strictEqual(at?.leader, cluster?.leader)
        }
      }).pipe(Effect.provide(natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL, STREAMS_REPLICAS: "3" }))))
    })
  )
})
