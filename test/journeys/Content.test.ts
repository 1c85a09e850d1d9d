// Everything that a message can be, on its whole way through the four services.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { type Received, Reply } from "../../deploy/local/BotApiStandIn.ts"
import { buttonName, readCallbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, pendingTimers } from "../support/Streams.ts"
import type { TestNats } from "../support/servers/TestNats.ts"

const paragraphs = Array.from({ length: 5 }, (_, part) => `Part ${part + 1}: ${"words and words ".repeat(220)}end.`)
const long = paragraphs.join("\n\n")
const longContent = { type: "text", text: long, tooLong: "split" }

const isPart = (part: number) => (received: Received) => received.text.startsWith(`Part ${part}:`)
const partsIn = (received: ReadonlyArray<Received>) => received.map(({ text }) => Number(/^Part (\d)/.exec(text)?.[1]))

const attempts = "select attempt, outcome, possible_duplicate from carillon.message_delivery_attempts order by attempt"

/** What the services have in NATS, used from outside. */
const besides = (nats: TestNats) =>
  Layer.mergeAll(Memory.layer, Files.layer).pipe(
    Layer.provideMerge(natsLayer("test")),
    Layer.provideMerge(Readiness.layer),
    Layer.provideMerge(ConfigProvider.layer(nats.configProvider)),
    Layer.fresh
  )

describe("a long text in parts, its gateway killed", () => {
  it.live("between two parts, is resumed at the first unsent one, and no part arrives twice", () =>
    Effect.gen(function* () {
      const { nats, database, phones, services, start } = yield* carillon({
        processes: ["telegram-gateway"],
        environment: { TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0.5" }
      })
      yield* start
      yield* publishPlainly(nats.url, [command("long", 0, { content: longContent })])
      yield* eventually(
        "two parts recorded",
        eventsOf(nats.url, "carillon.event.part-sent.*"),
        ({ length }) => length >= 2
      )
      yield* services["telegram-gateway"].kill9
      assert.isBelow(phones.requests.length, 5)
      yield* services["telegram-gateway"].start
      yield* eventually("sent", statusOf(database, "long"), (status) => status === "sent")
      assert.deepStrictEqual(partsIn(phones.received), [1, 2, 3, 4, 5])
      assert.strictEqual(phones.received.map(({ text }) => text).join(""), long)
      assert.deepStrictEqual(yield* database.query(attempts), [
        { attempt: 1, outcome: "sent", possible_duplicate: false }
      ])
    })
  )

  it.live("while one is on its way, sends that one again, as a possible duplicate, and none before it", () =>
    Effect.gen(function* () {
      let asked = false
      const { nats, database, phones, services, start } = yield* carillon({
        processes: ["telegram-gateway"],
        answer: (received) => {
          if (asked || !isPart(3)(received)) return undefined
          asked = true
          return Reply.Hang({ delivered: true })
        }
      })
      yield* start
      yield* publishPlainly(nats.url, [command("long", 0, { content: longContent })])
      yield* eventually(
        "the third part on its way",
        Effect.sync(() => asked),
        (is) => is
      )
      yield* services["telegram-gateway"].kill9
      yield* services["telegram-gateway"].start
      yield* eventually("sent", statusOf(database, "long"), (status) => status === "sent")
      assert.deepStrictEqual(partsIn(phones.received), [1, 2, 3, 3, 4, 5])
      assert.deepStrictEqual(yield* database.query(attempts), [
        { attempt: 1, outcome: "unknown", possible_duplicate: false },
        { attempt: 2, outcome: "sent", possible_duplicate: true }
      ])
    })
  )

  it.live("told to stop while one is on its way, leaves those after it to the next at once", () =>
    Effect.gen(function* () {
      const { nats, database, phones, services, start } = yield* carillon({
        answer: (received) => (isPart(2)(received) ? Reply.Delay({ ms: 1_000 }) : undefined)
      })
      yield* start
      yield* publishPlainly(nats.url, [command("long", 0, { content: longContent })])
      yield* eventually(
        "the second part on its way",
        Effect.sync(() => phones.requests.some(isPart(2))),
        (is) => is
      )
      const askedAt = Date.now()
      assert.strictEqual(yield* services["telegram-gateway"].stop, 0)
      assert.isBelow(Date.now() - askedAt, 20_000)
      yield* services["telegram-gateway"].start
      yield* eventually("sent", statusOf(database, "long"), (status) => status === "sent")
      assert.deepStrictEqual(partsIn(phones.received), [1, 2, 3, 4, 5])
    })
  )

  it.live("and refused in the middle for its rate, goes on where it was", () =>
    Effect.gen(function* () {
      let refusals = 2
      const { nats, database, phones, start } = yield* carillon({
        answer: (received) =>
          isPart(4)(received) && refusals-- > 0
            ? Reply.ApiError({
                code: 429,
                description: "Too Many Requests: retry after 1",
                parameters: { retry_after: 1 }
              })
            : undefined
      })
      yield* start
      yield* publishPlainly(nats.url, [command("long", 0, { content: longContent })])
      yield* eventually("sent", statusOf(database, "long"), (status) => status === "sent")
      assert.deepStrictEqual(partsIn(phones.received), [1, 2, 3, 4, 5])
    })
  )

  it.live("and rescheduled to another text while its rest waits, is sent as that one, which holds back nobody", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon({
        answer: (received) =>
          isPart(3)(received)
            ? Reply.ApiError({
                code: 429,
                description: "Too Many Requests: retry after 10",
                parameters: { retry_after: 10 }
              })
            : undefined
      })
      yield* start
      yield* publishPlainly(nats.url, [command("long", 0, { content: longContent })])
      yield* eventually("its rest waits", pendingTimers(nats.url), ({ length }) => length === 1)
      const change = { id: "long", dueAt: new Date().toISOString(), content: { type: "text", text: "short" } }
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.reschedule", payload: JSON.stringify(change) },
        command("next", 1_000)
      ])
      for (const id of ["long", "next"])
        yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
      assert.deepStrictEqual(
        phones.received.slice(2).map(({ text }) => text),
        ["short", "text of next"]
      )
    })
  )
})

describe("a text in parts, and others to its chat that are due at once with it", () => {
  it.live("do not mix: a part goes before whoever else waits for the chat", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon()
      yield* start
      const dueAt = new Date(Date.now() + 2_000).toISOString()
      const others = ["a", "b", "c"].map((id) => command(id, 0, { dueAt }))
      yield* publishPlainly(nats.url, [command("long", 0, { dueAt, content: longContent }), ...others])
      for (const id of ["long", "a", "b", "c"])
        yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
      const first = phones.received.findIndex(isPart(1))
      assert.deepStrictEqual(partsIn(phones.received.slice(first, first + 5)), [1, 2, 3, 4, 5])
    })
  )
})

describe("text that is too long", () => {
  it.live("is refused when it is scheduled, or split where that is configured", () =>
    Effect.gen(function* () {
      for (const configured of ["refuse", "split"] as const) {
        const { nats, database, phones, start } = yield* carillon({ environment: { TELEGRAM_LONG_TEXT: configured } })
        yield* start
        yield* publishPlainly(nats.url, [command("long", 0, { content: { type: "text", text: long } })])
        if (configured === "split") {
          yield* eventually("sent", statusOf(database, "long"), (status) => status === "sent")
          assert.lengthOf(phones.received, 5)
        } else {
          const rejected = eventsOf(nats.url, "carillon.event.rejected.telegram")
          const [event] = yield* eventually("rejected", rejected, ({ length }) => length > 0)
          assert.match(JSON.stringify(event), /content\.text.*4096/)
          assert.lengthOf(phones.requests, 0)
        }
      }
    })
  )
})

describe("files, albums and buttons", () => {
  it.live(
    "arrive; what was uploaded once is sent by its id the next time; a button's name stands for its message",
    () =>
      Effect.gen(function* () {
        const { nats, database, phones, start } = yield* carillon()
        yield* Effect.gen(function* () {
          yield* provision([])
          const files = yield* Files
          const memory = yield* Memory
          yield* files.put("leaflet.pdf", new Blob(["the bytes of a leaflet"]).stream() as never)
          yield* start
          const content = {
            type: "document",
            file: { object: "leaflet.pdf" },
            caption: "<b>Read this</b>",
            format: "html",
            buttons: [[{ text: "I have", reply: "read" }]]
          }
          yield* publishPlainly(nats.url, [command("first", 0, { content })])
          yield* eventually("sent", statusOf(database, "first"), (status) => status === "sent")
          yield* eventually("remembered", memory.all("file", "telegram.default."), ({ length }) => length === 1)
          const album = {
            type: "album",
            items: ["a", "b"].map((name) => ({ type: "photo", file: { url: `https://clinic.example/${name}.jpg` } }))
          }
          yield* publishPlainly(nats.url, [
            command("second", 0, { content, recipient: { chatId: "2" } }),
            command("album", 0, { content: album, recipient: { chatId: "3" } }),
            command("place", 0, {
              content: { type: "location", latitude: 52.5, longitude: 13.4 },
              recipient: { chatId: "4" }
            })
          ])
          for (const id of ["second", "album", "place"])
            yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
          const to = (chatId: string) => phones.received.find((received) => received.chatId === chatId)
          const first = to("100200300")
          assert.strictEqual(first?.files[0]?.upload?.bytes.toString(), "the bytes of a leaflet")
          assert.deepInclude(first, { text: "Read this", entities: [{ type: "bold", offset: 0, length: 9 }] })
          const { name = "", reply } = readCallbackData(first?.buttons[0]?.[0]?.callback_data ?? "") ?? {}
          assert.deepStrictEqual([name, reply], [buttonName("first"), "read"])
          const [asked] = yield* memory.all("button", "telegram.default.")
          assert.deepInclude(JSON.parse(asked?.value ?? ""), { id: "first", replies: ["read"] })
          assert.notInclude(asked?.value, "100200300")
          assert.match(to("2")?.files[0]?.given ?? "", /^document-/)
          assert.lengthOf(to("3")?.files ?? [], 2)
          assert.deepStrictEqual(to("4")?.location, { latitude: 52.5, longitude: 13.4 })
        }).pipe(Effect.provide(besides(nats)))
      })
  )

  it.live("of which a file is missing are given up as content, and can be sent when it is there", () =>
    Effect.gen(function* () {
      const { nats, database, start } = yield* carillon()
      yield* start
      yield* publishPlainly(nats.url, [
        command("missing", 0, { content: { type: "photo", file: { object: "gone.jpg" } } })
      ])
      yield* eventually("failed", statusOf(database, "missing"), (status) => status === "failed")
      const [row] = yield* database.query("select error_category, error_detail from carillon.scheduled_messages")
      assert.deepStrictEqual(row, { error_category: "content", error_detail: "file-missing" })
    })
  )
})
