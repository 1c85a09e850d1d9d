// A log of a cluster: a look into it finds what NATS has said is stored, though a replica may hear of it later; and one that was
// kept on one server is put on three, with what waits.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { Consumer, ConsumerInfo } from "@nats-io/jetstream"
import { ConfigProvider, Effect, Logger } from "effect"
import { inject } from "vitest"
import { attempt, Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { filesStream, fixedConsumers, gatewayConsumers, Subject, streams } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { readAll } from "#shared/nats/messages/ReadAll.ts"
import { natsServers } from "../../chaos/world/NatsServers.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"
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

describe("streams that were made for one server", () => {
  it.live("are told of by who finds them in a cluster, put on three, and then outlive one with all their timers", () =>
    Effect.gen(function* () {
      const { leaderOf, manager, ports, servers, urlFor } = yield* cluster
      const layer = (replicas: number) =>
        natsLayerFor(
          ConfigProvider.fromUnknown({ NATS_URL: urlFor("scheduler", ports), STREAMS_REPLICAS: String(replicas) })
        )
      const lanes = [...fixedConsumers, ...gatewayConsumers("telegram", "default")]
      const ids = Array.from({ length: 300 }, (_, index) => `m-${index}`)
      const said: Array<string> = []
      const listening = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
      yield* provision(lanes, "auto").pipe(Effect.provide(layer(1)))
      yield* Effect.gen(function* () {
        const { publish } = yield* Publisher
        const at = new Date(Date.now() + 20_000).toISOString()
        yield* publish(
          ids.map((id) => ({
            subject: Subject.pending(id),
            payload: id,
            headers: {},
            schedule: { at, target: Subject.due("telegram") }
          }))
        )
        // A service leaves them as they are, and says so.
        yield* provision(lanes).pipe(Effect.provide(listening))
        assert.match(said.join(), /COMMANDS, TIMERS, .*, OBJ_carillon-files: kept on 1 of the 3 servers/)
        yield* provision(lanes, "auto")
      }).pipe(Effect.provide(layer(3)))

      const up = (name: string) =>
        eventually(
          `${name} is on three`,
          Effect.promise(() => manager.streams.info(name)),
          ({ cluster, config }) =>
            config.num_replicas === 3 && cluster?.replicas?.filter(({ current }) => current).length === 2
        )
      for (const name of [...Object.keys(streams), filesStream]) yield* up(name)
      for (const { durable, stream } of lanes) {
        yield* eventually(
          `${durable} is on three`,
          Effect.promise(() => manager.consumers.info(stream, durable)),
          ({ cluster }) => cluster?.replicas?.filter(({ current }) => current).length === 2
        )
      }
      yield* (servers[yield* leaderOf("TIMERS")] as (typeof servers)[number]).kill9

      const fired = Effect.promise(async () => {
        const due = { subjects_filter: Subject.due("telegram") }
        const { state } = await manager.streams.info("TIMERS", due).catch(() => ({ state: { subjects: {} } }))
        return Object.values(state.subjects ?? {})[0]
      })
      yield* eventually("all fired", fired, (count) => count === ids.length)
      const heard = new Set<string>()
      yield* Effect.gen(function* () {
        const { js } = yield* Nats
        // Its leader may have been the one that is gone.
        const consumer = yield* Effect.retry(
          attempt("open", () => js.consumers.get("TIMERS", "dispatcher")),
          { times: 20 }
        )
        yield* attempt("take", async () => {
          for await (const message of await consumer.fetch({ max_messages: ids.length })) heard.add(message.string())
        })
      }).pipe(Effect.provide(layer(3)))
      assert.sameMembers([...heard], ids)
    })
  )
})
