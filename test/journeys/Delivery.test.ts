// A message's whole way through the four services as processes of their own, seen from outside.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
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

describe("a platform that does not take a message at once", () => {
  it.live("gets it again after a 429 and after a 502, and every attempt is recorded", () =>
    Effect.gen(function* () {
      const answers = [
        Reply.ApiError({ code: 429, description: "Too Many Requests: retry after 1", parameters: { retry_after: 1 } }),
        Reply.Raw({ status: 502, body: "<html>bad gateway</html>" })
      ]
      const { nats, database, phones, start } = yield* carillon({
        answer: (_, method) => (method === "sendMessage" ? answers.shift() : undefined),
        environment: { RETRY_TIERS: "8x1s" }
      })
      yield* start
      yield* publishPlainly(nats.url, [command("stubborn", 0)])
      yield* eventually("sent", statusOf(database, "stubborn"), (status) => status === "sent")
      assert.strictEqual(phones.received.length, 1)
      const attempts = yield* database.query(
        "select outcome, category, possible_duplicate from carillon.message_delivery_attempts order by attempt"
      )
      assert.deepStrictEqual(attempts, [
        { outcome: "failed", category: "throttled", possible_duplicate: false },
        { outcome: "unknown", category: "unknown", possible_duplicate: false },
        { outcome: "sent", category: null, possible_duplicate: true }
      ])
    })
  )

  it.live("for good has it recorded as failed, with the category and a code for the reason", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon({
        answer: (_, method) =>
          method === "sendMessage"
            ? Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
            : undefined
      })
      yield* start
      yield* publishPlainly(nats.url, [command("blocked", 0)])
      yield* eventually("failed", statusOf(database, "blocked"), (status) => status === "failed")
      const [row] = yield* database.query(
        "select error_category, error_detail, attempts from carillon.scheduled_messages"
      )
      assert.deepStrictEqual(row, { error_category: "recipient", error_detail: "bot-blocked", attempts: 1 })
      assert.strictEqual(phones.requests.length, 1)
    })
  )
})
