// What an operator is told of a sender is what its gateway obeys: the stricter of its own order and that for all senders.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { carillon } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { withManager } from "../support/NatsClient.ts"

const started = Effect.gen(function* () {
  const all = yield* carillon({ services: ["scheduler"] })
  yield* all.start
  const call = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  // As its gateway leaves it.
  const profile = JSON.stringify({ linkPrefix: "https://t.me/clinic_bot?start=" })
  yield* withManager(all.nats.url, (manager) =>
    manager.jetstream().publish(Subject.sender("telegram", "default", "profile"), profile)
  )
  return (line: string) => call(line.split(" "))
})

describe("an operator who lets a sender go", () => {
  it.live("is told of an order of its own that still holds it, and how to take that back", () =>
    Effect.gen(function* () {
      const run = yield* started
      yield* run("pause telegram --sender default")
      yield* run("resume telegram --sender north --rate 1")
      const { out } = yield* run("resume telegram")
      assert.match(out, /^telegram, all senders: sending$/m)
      assert.match(out, /^telegram default: still held .*carillon resume telegram --sender default$/m)
      assert.match(out, /^telegram north: at most 1 a second/m)
      assert.match((yield* run("queues")).out, /sender telegram default .*paused/)
      assert.strictEqual((yield* run("resume telegram --sender default")).out, "telegram default: sending\n")
    })
  )

  it.live("is told of the order for all senders that still holds it, and of a name that no gateway has", () =>
    Effect.gen(function* () {
      const run = yield* started
      const { out } = yield* run("pause telegram --sender defualt")
      assert.include(out, "no gateway has run for this sender: is the name right?")
      yield* run("pause telegram")
      const resumed = yield* run("resume telegram --sender default")
      assert.match(resumed.out, /^telegram default: still held .*carillon resume telegram$/m)
      assert.notInclude(resumed.out, "sending")
      assert.notInclude(resumed.out, "no gateway")
      assert.match((yield* run("queues")).out, /sender telegram default .*paused with all senders/)
    })
  )
})
