// A message's whole way through the four services, seen from outside. What a platform may do with it: test/gateway.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"

describe("a message scheduled by another system", () => {
  it.live("arrives, not before its time, and stands in Postgres as sent", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon()
      yield* start
      const due = Date.now() + 3_000
      yield* publishPlainly(nats.url, [command("plain-1", 3_000)])
      yield* eventually("sent in Postgres", statusOf(database, "plain-1"), (status) => status === "sent")
      assert.deepStrictEqual(
        phones.received.map(({ text }) => text),
        ["text of plain-1"]
      )
      assert.isAtLeast(phones.received[0]?.at ?? 0, due)
      const [attempt] = yield* database.query("select * from carillon.message_delivery_attempts")
      assert.strictEqual(attempt?.provider_message_id, "1")
    })
  )

  it.live("twice, and twice more after it was sent, arrives once", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon()
      yield* start
      const twice = [command("once-1", 1_500)]
      const again = twice.concat(twice)
      yield* publishPlainly(nats.url, again)
      yield* eventually("sent", statusOf(database, "once-1"), (status) => status === "sent")
      yield* publishPlainly(nats.url, again)
      // One more message behind the repeated ones: when it has arrived, they have been dealt with.
      yield* publishPlainly(nats.url, [command("behind", 0)])
      yield* eventually("the one behind", statusOf(database, "behind"), (status) => status === "sent")
      assert.strictEqual(phones.received.filter(({ text }) => text === "text of once-1").length, 1)
      const rejected = yield* database.query("select * from carillon.message_events where type = 'rejected'")
      assert.strictEqual(rejected.length, 0)
    })
  )
})
