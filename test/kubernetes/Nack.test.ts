// NACK's objects and `carillon nats provision` say the same: each field is held against what a real server has.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { chart } from "../../deploy/helm/Render.ts"
import { cli } from "../support/Cli.ts"
import { natsForTest } from "../support/Layers.ts"
import { natsClient } from "../support/NatsClient.ts"
import { testNats } from "../support/servers/TestNats.ts"

type Said = Readonly<Record<string, unknown>>

interface Topology {
  readonly streams: ReadonlyArray<Said>
  readonly objectStores: ReadonlyArray<Said>
  readonly consumers: ReadonlyArray<Said>
  readonly lanes: Readonly<Record<string, ReadonlyArray<Said>>>
}

const topology = JSON.parse(readFileSync(join(chart, "files/generated/topology.json"), "utf8")) as Topology

/** Durations are seconds there and nanoseconds at the server, and words stand in camel case. */
const asTheServerSays = (said: Said) =>
  Object.fromEntries(
    Object.entries(said).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      typeof value === "string" && /^\d+s$/.test(value) ? Number.parseInt(value, 10) * 1e9 : value
    ])
  )

const agree = (said: Said, config: object, without: ReadonlyArray<string>) => {
  for (const [key, value] of Object.entries(asTheServerSays(said)))
    if (!without.includes(key)) assert.deepStrictEqual((config as Said)[key], value, `${JSON.stringify(said)}: ${key}`)
}

describe("the objects of NACK", () => {
  it.live("are the streams and consumers that carillon nats provision makes, all of them and no other", () =>
    Effect.gen(function* () {
      const { url } = yield* testNats
      const made = yield* cli({ NATS_URL: url })(["nats", "provision"])
      assert.strictEqual(made.code, 0, made.err)
      const connection = yield* natsClient(url)
      const manager = yield* Effect.promise(() => jetstreamManager(connection))
      const streams = yield* Effect.promise(() => Array.fromAsync(manager.streams.list()))
      const stores = topology.objectStores.map(({ bucket }) => `OBJ_${bucket}`)
      assert.sameMembers(
        streams.map(({ config }) => config.name),
        [...topology.streams.map(({ name }) => String(name)), ...stores]
      )
      for (const said of topology.streams)
        agree(said, streams.find(({ config }) => config.name === said.name)?.config ?? {}, [])

      const lanes = Object.values(topology.lanes)
        .flat()
        .map((lane) => JSON.parse(JSON.stringify(lane).replaceAll("{sender}", "default")) as Said)
      const said = [...topology.consumers, ...lanes]
      const consumers = yield* Effect.promise(async () => {
        const found = await Promise.all(
          topology.streams.map(({ name }) => Array.fromAsync(manager.consumers.list(String(name))))
        )
        return found.flat()
      })
      const called = (stream: unknown, durable: unknown) => `${stream}/${durable}`
      const names = consumers.map(({ name, stream_name }) => called(stream_name, name))
      assert.isNotEmpty(names)
      assert.includeMembers(
        said.map((one) => called(one.streamName, one.durableName)),
        names
      )
      for (const one of said) {
        const at = names.indexOf(called(one.streamName, one.durableName))
        if (at < 0) continue
        const { config } = consumers[at] as { config: object & { filter_subject?: string; filter_subjects?: unknown } }
        const filters = config.filter_subjects ?? [config.filter_subject]
        agree(one, { ...config, filter_subjects: filters }, ["stream_name"])
      }
    })
  )

  it.live("leave out fast batches and nothing else: many messages at once are stored all the same", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      const provisioned = yield* testNats
      const made = yield* cli({ NATS_URL: provisioned.url })(["nats", "provision"])
      assert.strictEqual(made.code, 0, made.err)
      const managerOf = (url: string) =>
        Effect.flatMap(natsClient(url), (connection) => Effect.promise(() => jetstreamManager(connection)))
      const [ours, theirs] = [yield* managerOf(provisioned.url), yield* managerOf(nats.url)]
      for (const said of topology.streams) {
        const { config } = yield* Effect.promise(() => theirs.streams.add(asTheServerSays(said) as { name: string }))
        const { config: wanted } = yield* Effect.promise(() => ours.streams.info(config.name))
        const { allow_batched: _, metadata: __, ...others } = wanted as typeof wanted & { allow_batched?: boolean }
        const { metadata: ___, ...found } = config
        assert.deepStrictEqual(found, others)
      }
      const events = Array.from({ length: 50 }, (_, index) => ({
        subject: "carillon.event.sent.telegram",
        payload: "{}",
        headers: {},
        messageId: `event-${index}`
      }))
      yield* Effect.provide(
        Effect.flatMap(Publisher, ({ publish }) => publish(events)),
        layer
      )
      const { state } = yield* Effect.promise(() => theirs.streams.info("EVENTS"))
      assert.strictEqual(state.messages, events.length)
    })
  )
})
