// The log lines of services: JSON, each step of a message under its id and its trace, at sensible levels.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { otlpReceiver } from "../support/platforms/OtlpReceiver.ts"

const lines = (output: string) =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const told = (level: string) =>
  Effect.gen(function* () {
    const receiver = yield* otlpReceiver
    const blocked = Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
    const { nats, database, services, start } = yield* carillon({
      answer: ({ text }, method) => (method === "sendMessage" && text.endsWith("bad") ? blocked : undefined),
      environment: { ...receiver.environment, LOG_LEVEL: level, LOG_FORMAT: "json" }
    })
    yield* start
    yield* publishPlainly(nats.url, [command("good", 0), command("bad", 0)])
    yield* eventually("sent", statusOf(database, "good"), (status) => status === "sent")
    yield* eventually("failed", statusOf(database, "bad"), (status) => status === "failed")
    yield* Effect.forEach(Object.values(services), ({ stop }) => stop, { concurrency: "unbounded" })
    const all = Object.values(services).flatMap(({ output }) => lines(output()))
    return { receiver, of: (id: string) => all.filter((line) => line.message_id === id) }
  })

describe("the log of the services", () => {
  it.live("tells each step of a message to whoever looks closely, with its trace", () =>
    Effect.gen(function* () {
      const { receiver, of } = yield* told("Debug")
      assert.sameMembers(
        of("good").map(({ message }) => message),
        ["scheduled", "dispatched", "send-started", "sent"]
      )
      for (const line of [...of("good"), ...of("bad")]) {
        assert.match(String(line.timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.include(["scheduler", "dispatcher", "telegram-gateway"], line.service)
        assert.strictEqual(line.platform, "telegram")
        const span = receiver.spans.find(({ spanId }) => spanId === line.span_id)
        assert.strictEqual(span?.traceId, line.trace_id)
        assert.strictEqual(span?.attributes["carillon.message.id"], line.message_id)
      }
    })
  )

  it.live("tells by itself only what a person should hear of", () =>
    Effect.gen(function* () {
      const { of } = yield* told("Info")
      assert.deepStrictEqual(of("good"), [])
      assert.deepStrictEqual(
        of("bad")
          .map(({ level, message }) => [level, message])
          .toSorted(),
        [
          ["info", "attempt failed: recipient, bot-blocked"],
          ["warn", "given up: recipient, bot-blocked"]
        ]
      )
    })
  )
})
