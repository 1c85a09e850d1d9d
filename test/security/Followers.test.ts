// Another system reads the events that it is to know of, with a user of its own: by its own consumer, and nothing else.
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { createInbox, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { inboxPrefix } from "#shared/nats/access/Grants.ts"
import { streams } from "#shared/nats/layout/Topology.ts"
import { provisioned } from "./Guarded.ts"

const next = (durable: string) => `$JS.API.CONSUMER.MSG.NEXT.EVENTS.${durable}`

/** Asked by hand, so that the subject of the acknowledgement is seen. Of what is delivered the subject is its own. */
const fetched = (connection: NatsConnection, durable: string) =>
  connection.request(next(durable), JSON.stringify({ batch: 1, expires: 9_000_000_000 }), {
    timeout: 10_000,
    noMux: true,
    reply: createInbox(inboxPrefix(durable))
  })

describe("a follower", () => {
  it.live("reads and settles what is for it, and touches nothing of anybody else's", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const [gateway, operator, outcomes, desk] = yield* Effect.forEach(
        ["telegram-gateway", "operator", "outcomes", "desk"] as const,
        connectAs
      ) as Effect.Effect<[NatsConnection, NatsConnection, NatsConnection, NatsConnection]>
      yield* Effect.promise(async () => {
        const log = jetstream(gateway, { timeout: 10_000 })
        await log.publish("carillon.event.sent.telegram", "first")
        await log.publish("carillon.event.opted-out.telegram", "of a person")
        await log.publish("carillon.event.sent.telegram", "second")

        // As an application does it, and as the README says.
        const consumer = await jetstream(outcomes).consumers.get("EVENTS", "outcomes")
        const read: Array<string> = []
        for await (const message of await consumer.consume()) {
          read.push(message.string())
          assert.isTrue(await message.ackAck({ timeout: 10_000 }))
          if (read.length === 2) break
        }
        assert.deepStrictEqual(read, ["first", "second"])
        const { num_ack_pending, num_pending } = await consumer.info()
        assert.deepStrictEqual([num_ack_pending, num_pending], [0, 0])

        // An operator looks on, live: examples/shell/watch.sh.
        const watched: Array<string> = []
        operator.subscribe("carillon.event.>", { callback: (_, { subject }) => void watched.push(subject) })
        const manager = await jetstreamManager(operator)
        const all = async () =>
          Promise.all(Object.keys(streams).map(async (name) => (await manager.streams.info(name)).state.last_seq))
        const before = await all()
        const held = await fetched(desk, "desk")
        assert.strictEqual(held.string(), "of a person")
        // Nothing is there, and the answer to that is empty: an acknowledgement, where it goes to the other's.
        const astray = [
          held.reply ?? "",
          "carillon.timer.pending.x",
          "carillon.command.drop",
          "$JS.API.STREAM.PURGE.EVENTS"
        ]
        const atOnce = JSON.stringify({ batch: 1, no_wait: true })
        for (const reply of astray) outcomes.publish(next("outcomes"), atOnce, { reply })
        // Answered after all of those.
        const nothing = await outcomes.request(next("outcomes"), atOnce, { timeout: 10_000 })
        assert.strictEqual(nothing.headers?.code, 404)
        await log.publish("carillon.event.sent.telegram", "third")
        assert.strictEqual((await fetched(outcomes, "outcomes")).string(), "third")
        assert.strictEqual((await manager.consumers.info("EVENTS", "desk")).num_ack_pending, 1)
        assert.deepStrictEqual(watched, ["carillon.event.sent.telegram"])
        const added = (await all()).reduce((sum, last, index) => sum + last - (before[index] ?? 0), 0)
        assert.strictEqual(added, 1, "the third event, and nothing else")
      })
    })
  )
})
