// A message's life as a collector sees it: the publisher's trace, a new one when it is due, every attempt findable by id.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually, type Settings } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { natsClient } from "../support/NatsClient.ts"
import { otlpReceiver, type Span } from "../support/platforms/OtlpReceiver.ts"

const publisher = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }

/**
 * Publishes one message within a publisher's trace, and gives its spans when those of the ledger for the last event
 * and of so many calls have come: every service exports in its own time.
 */
const life = (settings: Settings, last: string, calls = 1, decisions = calls) =>
  Effect.gen(function* () {
    const receiver = yield* otlpReceiver
    const authorization = join(yield* temporaryFolder("otlp"), "headers")
    writeFileSync(authorization, "authorization=Bearer of-the-collector\n")
    const { nats, database, start } = yield* carillon({
      ...settings,
      environment: {
        ...settings.environment,
        ...receiver.environment,
        OTEL_EXPORTER_OTLP_HEADERS_FILE: authorization,
        OTEL_RESOURCE_ATTRIBUTES: "k8s.namespace.name=clinic-a"
      }
    })
    yield* start
    const connection = yield* natsClient(nats.url)
    const headers = natsHeaders()
    headers.set("traceparent", `00-${publisher.traceId}-${publisher.spanId}-01`)
    const { subject, payload } = command("traced", 1_000)
    connection.publish(subject, payload, { headers })
    const mine = Effect.sync(() => receiver.spans.filter((span) => span.attributes["carillon.message.id"] === "traced"))
    const spans = yield* eventually(last, mine, (spans) => {
      const count = (wanted: string) => spans.filter(({ name }) => name === wanted).length
      return (
        spans.some(({ name, service }) => name === last && service === "ledger") &&
        spans.some(({ service }) => service === "scheduler") &&
        spans.filter(({ service }) => service === "dispatcher").length >= decisions &&
        count("process carillon.timer.due.{platform}") === calls &&
        spans.filter(({ service }) => service === "telegram-gateway").length === 2 * calls
      )
    })
    assert.include(receiver.raw(), "clinic-a")
    assert.deepStrictEqual([...receiver.authorizations], ["Bearer of-the-collector"])
    const show = cli({ NATS_URL: nats.url, DATABASE_URL: database.url, GRAFANA_URL: "https://grafana.example" })
    return { spans, found: yield* show(["show", "traced"]) }
  })

const only = (spans: ReadonlyArray<Span>, service: string, name: string) => {
  const found = spans.filter((span) => span.service === service && span.name === name)
  assert.strictEqual(found.length, 1, `${found.length} spans ${name} of ${service}`)
  return found[0] as Span
}

describe("the traces of a message", () => {
  it.live("that is sent: the publisher's leads into the scheduler; a new one, linked, goes on to the ledger", () =>
    Effect.gen(function* () {
      const { spans, found } = yield* life({}, "process carillon.event.sent.{platform}")
      const accepted = only(spans, "scheduler", "process carillon.command.schedule")
      assert.deepInclude(accepted, { traceId: publisher.traceId, parentSpanId: publisher.spanId })
      const due = only(spans, "dispatcher", "process carillon.timer.due.{platform}")
      assert.notStrictEqual(due.traceId, publisher.traceId)
      assert.isUndefined(due.parentSpanId)
      assert.sameMembers(
        due.links.map(({ spanId }) => spanId),
        [publisher.spanId, accepted.spanId]
      )
      const held = only(spans, "telegram-gateway", "process carillon.event.dispatched.{platform}.{sender}.{priority}")
      assert.deepInclude(held, { traceId: due.traceId, parentSpanId: due.spanId })
      const call = only(spans, "telegram-gateway", "send telegram")
      assert.deepInclude(call, { traceId: due.traceId, parentSpanId: held.spanId, error: false })
      const recorded = only(spans, "ledger", "process carillon.event.sent.{platform}")
      assert.deepInclude(recorded, { traceId: due.traceId, parentSpanId: held.spanId })
      // What was only on its way has none.
      assert.deepStrictEqual(
        spans.filter(({ service }) => service === "ledger"),
        [recorded]
      )
      assert.includeMembers(found.out.match(/[0-9a-f]{32}/g) ?? [], [publisher.traceId, due.traceId])
      assert.include(found.out, "https://grafana.example/d/carillon-message?var-id=traced")
      for (const span of spans) assert.strictEqual(span.attributes["messaging.system"], "nats")
      for (const span of [due, held, call, recorded]) {
        assert.deepInclude(span.attributes, { "carillon.attempt": 1, "carillon.platform": "telegram" })
      }
    })
  )

  it.live("that is tried again: each later attempt is a trace of its own, linked to the one before", () =>
    Effect.gen(function* () {
      const answers = [Reply.ApiError({ code: 429, description: "Too Many Requests", parameters: { retry_after: 3 } })]
      const { spans } = yield* life(
        { answer: (_, method) => (method === "sendMessage" ? answers.shift() : undefined) },
        "process carillon.event.sent.{platform}",
        2
      )
      const dues = spans.filter(({ name }) => name === "process carillon.timer.due.{platform}")
      assert.deepStrictEqual(dues.map(({ attributes }) => attributes["carillon.attempt"]).sort(), [1, 2])
      const [first, second] = [1, 2].map((attempt) =>
        dues.find(({ attributes }) => attributes["carillon.attempt"] === attempt)
      ) as [Span, Span]
      assert.notStrictEqual(first.traceId, second.traceId)
      assert.includeMembers(
        second.links.map(({ traceId }) => traceId),
        [first.traceId, publisher.traceId]
      )
      const calls = spans.filter(({ name }) => name === "send telegram")
      assert.deepStrictEqual(calls.map(({ attributes }) => attributes["error.type"]).sort(), ["throttled", undefined])
    })
  )

  it.live("that fails for good: the error is on the spans as a category", () =>
    Effect.gen(function* () {
      const { spans } = yield* life(
        {
          answer: (_, method) =>
            method === "sendMessage"
              ? Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
              : undefined
        },
        "process carillon.event.failed.{platform}",
        1,
        2
      )
      const call = only(spans, "telegram-gateway", "send telegram")
      assert.isTrue(call.error)
      assert.strictEqual(call.attributes["error.type"], "recipient")
      const decided = only(spans, "dispatcher", "process carillon.event.attempt-failed.{platform}")
      assert.strictEqual(decided.traceId, call.traceId)
      assert.strictEqual(only(spans, "ledger", "process carillon.event.failed.{platform}").traceId, call.traceId)
    })
  )
})
