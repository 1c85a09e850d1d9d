// A gateway under its platform's limits, with replicas, and with a sender that cannot send.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Received, Reply } from "../../deploy/local/BotApiStandIn.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf } from "../support/Streams.ts"

/** The most that arrived within any such span. */
const mostWithin = (received: ReadonlyArray<Received>, millis: number) =>
  Math.max(...received.map(({ at }) => received.filter((one) => one.at >= at && one.at < at + millis).length))

const sentCount = (count: number, sent: Effect.Effect<ReadonlyArray<unknown>>) =>
  eventually("all sent", sent, ({ length }) => length === count)

describe("two replicas of a gateway", () => {
  it.live("send each message once and keep every limit, also when the active one is killed", () =>
    Effect.gen(function* () {
      const { nats, database, phones, environment, services, start } = yield* carillon({
        answer: (_, method) => (method === "sendMessage" ? Reply.Delay({ ms: 30 }) : undefined),
        environment: { TELEGRAM_MESSAGES_PER_SECOND: "20", TELEGRAM_CHAT_MESSAGES_PER_SECOND: "1" }
      })
      yield* start
      const other = yield* serviceProcess("telegram-gateway", { ...environment, CARILLON_HEALTH_PORT: "0" })
      yield* other.start
      const ids = Array.from({ length: 120 }, (_, index) => `m-${index}`)
      yield* publishPlainly(
        nats.url,
        ids.map((id, index) => command(id, 0, { recipient: { chatId: String(1_000 + (index % 40)) } }))
      )
      yield* eventually(
        "under way",
        Effect.sync(() => phones.received.length),
        (count) => count >= 30
      )
      yield* services["telegram-gateway"].kill9
      yield* sentCount(ids.length, database.query("select 1 from carillon.scheduled_messages where status = 'sent'"))
      const twice = yield* database.query(
        "select id from carillon.scheduled_messages where possible_duplicate order by id"
      )
      // What was on its way when the first was killed is sent again, and recorded as such; nothing else is.
      assert.isAtMost(twice.length, 20)
      const texts = phones.received.map(({ text }) => text)
      assert.sameMembers(
        [...new Set(texts)],
        ids.map((id) => `text of ${id}`)
      )
      const doubled = texts.filter((text, index) => texts.indexOf(text) !== index)
      for (const text of doubled)
        assert.include(
          twice.map(({ id }) => `text of ${id}`),
          text
        )
      assert.isAtMost(mostWithin(phones.received, 1_000), 20)
      for (const chat of new Set(phones.received.map(({ chatId }) => chatId)))
        assert.isAtMost(
          mostWithin(
            phones.received.filter(({ chatId }) => chatId === chat),
            1_000
          ),
          1
        )
    })
  )
})

describe("a sender that the platform refuses", () => {
  it.live("is stopped and probed, and its messages are sent when it is well again, with no attempt used up", () =>
    Effect.gen(function* () {
      let refused = true
      const { nats, database, phones, start } = yield* carillon({
        answer: (_, method) =>
          refused && method === "sendMessage" ? Reply.ApiError({ code: 401, description: "Unauthorized" }) : undefined,
        environment: { CIRCUIT_FIRST_WAIT_SECONDS: "1", RETRY_SENDER_WAIT_SECONDS: "1" }
      })
      yield* start
      const ids = Array.from({ length: 30 }, (_, index) => `m-${index}`)
      yield* publishPlainly(nats.url, [command("first", 0)])
      const states = Effect.map(eventsOf(nats.url, "carillon.event.circuit-changed.*"), (events) =>
        events.map(({ state, reason }) => `${state} ${reason}`)
      )
      yield* eventually("open", states, (all) => all.includes("open unauthorized"))
      yield* publishPlainly(
        nats.url,
        ids.map((id) => command(id, 0))
      )
      const probes = phones.requests.length
      yield* eventually(
        "probed",
        Effect.sync(() => phones.requests.length),
        (count) => count >= probes + 2
      )
      // A single message at a time was burnt as a probe: the thirty did not all knock.
      assert.isBelow(phones.requests.length, 15)
      refused = false
      yield* sentCount(31, database.query("select 1 from carillon.scheduled_messages where status = 'sent'"))
      yield* eventually("closed", states, (all) => all.at(-1) === "closed ")
      const failures = yield* eventsOf(nats.url, "carillon.event.attempt-failed.*")
      assert.isTrue(failures.every((event) => event.failures === 0))
    })
  )
})

describe("a chat that must wait", () => {
  it.live("holds back nobody else, and gets its messages in the order in which they were due", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon({
        environment: { TELEGRAM_CHAT_MESSAGES_PER_SECOND: "4" }
      })
      yield* start
      const due = Date.now() + 3_000
      const slow = Array.from({ length: 40 }, (_, index) => `slow-${String(index).padStart(2, "0")}`)
      const at = (index: number) => ({ dueAt: new Date(due + index).toISOString() })
      yield* publishPlainly(nats.url, [
        ...slow.map((id, index) => command(id, 0, { recipient: { chatId: "1" }, ...at(index) })),
        command("other", 0, { recipient: { chatId: "2" }, ...at(100) })
      ])
      yield* eventually("the other is sent", statusOf(database, "other"), (status) => status === "sent")
      assert.isBelow(
        phones.received.findIndex(({ text }) => text === "text of other"),
        10
      )
      yield* sentCount(41, database.query("select 1 from carillon.scheduled_messages where status = 'sent'"))
      assert.deepStrictEqual(
        phones.received.filter(({ chatId }) => chatId === "1").map(({ text }) => text),
        slow.map((id) => `text of ${id}`)
      )
      assert.isAtMost(
        mostWithin(
          phones.received.filter(({ chatId }) => chatId === "1"),
          1_000
        ),
        4
      )
    })
  )
})
