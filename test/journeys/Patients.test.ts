// What comes back from patients: links, blocking, buttons, STOP; and messages to those who are known by a contact.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { buttonName, callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { eventually, statusOf } from "../support/Carillon.ts"
import { clinic, to } from "../support/Clinic.ts"
import { holds, shows } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, streamCount } from "../support/Streams.ts"

const chat = 70_001
const otherChat = 70_002

const asking = (id: string, recipient: object) =>
  to(id, recipient, {
    content: { type: "text", text: `text of ${id}`, buttons: [[{ text: "I will come", reply: "will-come" }]] }
  })

describe("a link", () => {
  it.live("makes a person a contact: from the command line to the message", () =>
    Effect.gen(function* () {
      const { database, heard, nats, people, run, start, told } = yield* clinic()
      yield* start
      const created = yield* eventually("the address is known", run(["link", "create", "p-1"]), ({ out }) =>
        out.startsWith("https://t.me/stand_in_bot?start=")
      )
      assert.strictEqual(created.code, 0)
      assert.match(created.err, /p-1 only, once, until/)
      const token = created.out.trim().split("=")[1] ?? ""
      assert.match(token, /^[A-Za-z0-9_-]{43}$/)
      people.pressesStart(chat, token)
      const [linked] = yield* told("recipient-linked", 1)
      assert.deepInclude(linked, {
        platform: "telegram",
        sender: "default",
        contact: "p-1",
        recipient: { chatId: "70001" }
      })
      assert.deepStrictEqual(yield* heard(chat, 1), ["You will get your messages here."])
      yield* publishPlainly(nats.url, [to("m", { contact: "p-1" })])
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
      assert.strictEqual((yield* heard(chat, 2))[1], "text of m")
      const listed = yield* run(["link", "list"])
      assert.match(listed.out, /p-1 +telegram +default +\S+ +linked/)
      assert.notInclude(listed.out, "70001")
    })
  )

  it.live("is for one use and for a time: what else is opened is refused, and changes nothing", () =>
    Effect.gen(function* () {
      const { confirmed, contacts, events, heard, people, said, services, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "linked",
        TELEGRAM_LINK_FAILED_TEXT: "failed"
      })
      yield* start
      const link = yield* token("p-1")
      people.pressesStart(chat, link)
      yield* told("recipient-linked", 1)
      people.pressesStart(otherChat, link)
      people.pressesStart(70_003, "no-token-of-ours")
      const short = yield* token("p-2", ["--expires", "30s"])
      people.writes(70_004, `/start ${short}`, { date: Math.floor(Date.now() / 1_000) + 60 })
      people.writes(70_005, `/start ${short}`, { chat: { id: -70_005, type: "group" } })
      for (const refused of [otherChat, 70_003, 70_004])
        assert.deepStrictEqual(yield* heard(refused, 1), ["failed"], String(refused))
      people.pressesStart(chat, link)
      yield* confirmed
      assert.deepStrictEqual([...new Set(said(chat))], ["linked"])
      assert.deepStrictEqual(said(-70_005), [])
      assert.strictEqual((yield* events("recipient-linked")).length, 1)
      assert.include(services["telegram-gateway"].output(), "link of contact p-1 that was used")
      assert.deepStrictEqual(
        (yield* contacts).map(({ contact, recipient }) => [contact, recipient]),
        [["p-1", { chatId: "70001" }]]
      )
    })
  )

  it.live("that was not opened yet can be taken back, once", () =>
    Effect.gen(function* () {
      const { contacts, heard, people, run, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "linked",
        TELEGRAM_LINK_FAILED_TEXT: "failed"
      })
      yield* start
      const astray = yield* token("p-1")
      const removed = yield* run(["link", "remove", "p-1", "--reason", "wrong number"])
      assert.strictEqual(removed.code, 0, removed.err)
      assert.deepInclude((yield* told("recipient-unlinked", 1))[0], { contact: "p-1", reason: "wrong number" })
      assert.strictEqual((yield* run(["link", "remove", "p-1"])).code, 3)
      people.pressesStart(otherChat, astray)
      assert.deepStrictEqual(yield* heard(otherChat, 1), ["failed"])
      assert.deepStrictEqual(yield* contacts, [])
      people.pressesStart(chat, yield* token("p-1"))
      assert.deepStrictEqual(yield* heard(chat, 1), ["linked"])
    })
  )

  it.live("is made by a request only: a token that nobody waits for would be lost", () =>
    Effect.gen(function* () {
      const { nats, run, services, told } = yield* clinic()
      yield* services.scheduler.start
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.create-link", payload: JSON.stringify({ contact: "p-1", platform: "telegram" }) }
      ])
      const [refused] = yield* told("rejected", 1)
      assert.deepInclude(refused, { command: "create-link" })
      assert.include(JSON.stringify(refused?.problems), "carillon.api.create-link")
      const elsewhere = yield* run(["link", "create", "p-1", "--platform", "webhook"])
      assert.strictEqual(elsewhere.code, 2)
      assert.match(elsewhere.err, /platform: has no links/)
      assert.strictEqual((yield* run(["link", "create", "a name"])).code, 2)
      assert.strictEqual((yield* run(["link", "create", "p-1", "--expires", "91d"])).code, 2)
      const early = yield* run(["link", "create", "p-1", "--json"])
      assert.doesNotHaveAnyKeys(JSON.parse(early.out), ["url"])
      yield* services.scheduler.stop
      const none = yield* run(["link", "create", "p-1"])
      assert.strictEqual(none.code, 1)
      assert.match(none.err, /no scheduler is running/)
      assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 0)
    })
  )
})

describe("a message to a contact", () => {
  it.live("goes to the chat that is linked when it is due, until there is none", () =>
    Effect.gen(function* () {
      const { contacts, database, events, heard, nats, people, phones, run, said, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none"
      })
      yield* start
      const send = (id: string, status: string, more: object = {}) =>
        Effect.andThen(
          publishPlainly(nats.url, [to(id, { contact: "p-1" }, more)]),
          eventually(`${id} ${status}`, statusOf(database, id), (found) => found === status)
        )
      const dueAt = new Date(Date.now() + 4_000).toISOString()
      const fallback = [{ platform: "telegram", recipient: { chatId: "5" } }]
      yield* send("too-early", "sent", { dueAt, fallback })
      assert.deepStrictEqual(yield* heard(5, 1), ["text of too-early"])
      // Known ahead of its time that it cannot go to the contact: it was not early for that.
      assert.isAtLeast(phones.received[0]?.at ?? 0, Date.parse(dueAt))
      yield* send("nobody", "failed")
      const [failed] = yield* events("failed")
      assert.deepInclude(failed, { category: "recipient", reason: "not-linked" })
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      yield* send("first", "sent")
      people.pressesStart(otherChat, yield* token("p-1"))
      yield* told("recipient-linked", 2)
      yield* send("second", "sent")
      assert.deepStrictEqual([said(chat), said(otherChat)], [["text of first"], ["text of second"]])
      const kept = yield* database.query("select recipient from carillon.message_contents where message_id = 'second'")
      assert.deepStrictEqual(kept[0]?.recipient, { contact: "p-1" })
      const removed = yield* run(["link", "remove", "p-1", "--reason", "moved away"])
      assert.strictEqual(removed.code, 0, removed.err)
      assert.deepInclude((yield* told("recipient-unlinked", 1))[0], { contact: "p-1", reason: "moved away" })
      yield* send("third", "failed")
      assert.deepStrictEqual(yield* contacts, [])
      assert.strictEqual((yield* run(["link", "remove", "p-1"])).code, 3)
    })
  )

  it.live("and one to the chat itself are under one limit, in the order in which they were due", () =>
    Effect.gen(function* () {
      const { heard, nats, people, phones, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none",
        TELEGRAM_CHAT_MESSAGES_PER_SECOND: "2"
      })
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      const due = Date.now() + 3_000
      const ids = Array.from({ length: 6 }, (_, index) => `m-${index}`)
      yield* publishPlainly(
        nats.url,
        ids.map((id, index) =>
          to(id, index % 2 === 0 ? { contact: "p-1" } : { chatId: String(chat) }, {
            dueAt: new Date(due + index).toISOString()
          })
        )
      )
      const texts = yield* heard(chat, ids.length)
      assert.deepStrictEqual(
        texts,
        ids.map((id) => `text of ${id}`)
      )
      const times = phones.received.map(({ at }) => at)
      assert.isAtMost(Math.max(...times.map((at) => times.filter((one) => one >= at && one < at + 1_000).length)), 2)
    })
  )
})

describe("a message to a contact that waits in a gateway's hands", () => {
  it.live("goes to the chat that is linked when it is sent, and nowhere when the link was removed", () =>
    Effect.gen(function* () {
      const { database, events, nats, people, run, said, services, start, token, told } = yield* clinic(
        { TELEGRAM_LINKED_TEXT: "none" },
        { processes: ["telegram-gateway"] }
      )
      const gateway = services["telegram-gateway"]
      const order = (name: "pause" | "resume") =>
        publishPlainly(nats.url, [{ subject: `carillon.command.${name}`, payload: '{"platform":"telegram"}' }])
      const becomes = (id: string, status: string) =>
        eventually(`${id} ${status}`, statusOf(database, id), (found) => found === status)
      yield* start
      for (const contact of ["stays", "leaves", "moves"]) people.pressesStart(chat, yield* token(contact))
      yield* told("recipient-linked", 3)
      const next = yield* token("moves")
      yield* order("pause")
      yield* holds(gateway)
      yield* publishPlainly(
        nats.url,
        ["stays", "leaves", "moves"].map((contact) => to(contact, { contact }))
      )
      yield* shows(gateway, "carillon_gateway_messages_in_hand", 3)
      assert.strictEqual((yield* run(["link", "remove", "leaves"])).code, 0)
      people.pressesStart(otherChat, next)
      yield* told("recipient-linked", 4)
      // What was looked up a moment ago is not looked up again: by then it is longer.
      yield* publishPlainly(nats.url, [to("too-late", { chatId: "5" }, { maxLatenessSeconds: 4 })])
      yield* becomes("too-late", "expired")
      yield* order("resume")
      yield* becomes("leaves", "failed")
      for (const id of ["stays", "moves"]) yield* becomes(id, "sent")
      assert.deepStrictEqual([said(chat), said(otherChat)], [["text of stays"], ["text of moves"]])
      assert.deepInclude((yield* events("failed"))[0], { category: "recipient", reason: "not-linked" })
      for (const { failures } of yield* events("attempt-failed")) assert.strictEqual(failures, 0)
    })
  )

  it.live("goes as a whole to a chat that was linked after the first of its parts had gone to another", () =>
    Effect.gen(function* () {
      const { database, heard, nats, people, said, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none",
        TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0.2"
      })
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      const next = yield* token("p-1")
      const part = (name: string) => `${name}: ${"words and words ".repeat(220)}end.`
      const content = { type: "text", text: ["one", "two", "three"].map(part).join("\n\n"), tooLong: "split" }
      yield* publishPlainly(nats.url, [to("m", { contact: "p-1" }, { content })])
      yield* heard(chat, 1)
      people.pressesStart(otherChat, next)
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
      assert.deepStrictEqual(
        said(otherChat).map((text) => text.split(":")[0]),
        ["one", "two", "three"]
      )
      assert.isBelow(said(chat).length, 3)
    })
  )
})

describe("a person who blocks the bot", () => {
  it.live("is marked, whichever way it is heard of, until they let it write again", () =>
    Effect.gen(function* () {
      const { contacts, database, events, nats, people, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none"
      })
      yield* start
      const blocked = Effect.map(contacts, (all) => all.map((one) => one.blocked))
      // The mother of two.
      people.pressesStart(chat, yield* token("p-1"))
      people.pressesStart(chat, yield* token("p-2"))
      yield* told("recipient-linked", 2)
      people.blocks(chat)
      const [first] = yield* told("recipient-blocked", 1)
      assert.deepInclude(first, { recipient: { chatId: "70001" }, contacts: ["p-1", "p-2"] })
      assert.deepStrictEqual(yield* blocked, [true, true])
      people.unblocks(chat)
      yield* told("recipient-unblocked", 1)
      assert.deepStrictEqual(yield* blocked, [false, false])
      people.blocks(otherChat)
      assert.deepInclude((yield* told("recipient-blocked", 2))[1], { contacts: [] })
      yield* publishPlainly(nats.url, [to("nobody-here", { chatId: "70009" })])
      yield* eventually("sent", statusOf(database, "nobody-here"), (status) => status === "sent")
      assert.strictEqual((yield* events("recipient-blocked")).length, 2)
    })
  )

  it.live("is found out by a send that is refused, and told once", () =>
    Effect.gen(function* () {
      let refusing = true
      const { contacts, database, events, nats, people, start, token, told } = yield* clinic(
        { TELEGRAM_LINKED_TEXT: "none" },
        {
          answer: (_, method) =>
            refusing && method === "sendMessage"
              ? Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
              : undefined
        }
      )
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      const fails = (id: string, recipient: object) =>
        Effect.andThen(
          publishPlainly(nats.url, [to(id, recipient)]),
          eventually(`${id} fails`, statusOf(database, id), (status) => status === "failed")
        )
      yield* fails("one", { contact: "p-1" })
      yield* fails("two", { chatId: String(chat) })
      yield* fails("stranger", { chatId: "70009" })
      const told1 = yield* events("recipient-blocked")
      assert.deepStrictEqual(
        told1.map(({ cause, contacts }) => [cause, contacts]),
        [["one.1", ["p-1"]]]
      )
      assert.deepStrictEqual(
        (yield* contacts).map(({ blocked }) => blocked),
        [true]
      )
      refusing = false
      people.unblocks(chat)
      yield* told("recipient-unblocked", 1)
      assert.deepStrictEqual(
        (yield* contacts).map(({ blocked }) => blocked),
        [false]
      )
    })
  )
})

describe("a reply button", () => {
  it.live("comes to rest, and what was pressed is told with the message it stood under", () =>
    Effect.gen(function* () {
      const { confirmed, database, nats, people, run, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none"
      })
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      yield* publishPlainly(nats.url, [asking("m", { contact: "p-1" })])
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
      people.pressesButton(chat, callbackData("m", "will-come"), 7)
      people.pressesButton(chat, callbackData("long-forgotten", "no"), 8)
      people.pressesButton(chat, "somebody:else's", 9)
      yield* confirmed
      const [known, forgotten] = yield* told("reply-received", 2)
      assert.deepInclude(known, { id: "m", reply: "will-come", providerMessageId: "7", contacts: ["p-1"] })
      assert.deepInclude(forgotten, { reply: "no", providerMessageId: "8" })
      assert.doesNotHaveAnyKeys(forgotten, ["id"])
      yield* eventually(
        "at rest",
        Effect.sync(() => people.answeredButtons.length),
        (count) => count === 2
      )
      const shown = yield* eventually("in the timeline", run(["show", "m"]), ({ out }) =>
        out.includes("reply-received")
      )
      assert.match(shown.out, /m {2}sent/)
      assert.notInclude(shown.out, "will-come")
    })
  )

  // Telegram hands on whatever a client says was pressed.
  it.live("is taken for one of a message only where that message went, and only with a reply that stands on it", () =>
    Effect.gen(function* () {
      const { confirmed, database, nats, people, start, told } = yield* clinic()
      const group = { id: -500, type: "supergroup" }
      const channel = { id: -100_600, type: "channel", username: "Clinic_News" }
      yield* start
      yield* publishPlainly(nats.url, [
        asking("m", { chatId: String(chat) }),
        asking("to-group", { chatId: "-500" }),
        asking("to-channel", { chatId: "@clinic_news" }),
        { subject: `carillon.memory.button.telegram.default.${buttonName("older")}`, payload: "older" }
      ])
      for (const id of ["m", "to-group", "to-channel"])
        yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
      people.pressesButton(otherChat, callbackData("m", "will-come"), 1)
      people.pressesButton(otherChat, callbackData("to-channel", "will-come"), 2, { username: "clinic_news" })
      people.pressesButton(chat, callbackData("m", "has-paid"), 3)
      people.pressesButton(chat, callbackData("older", "will-come"), 4)
      people.pressesButton(chat, callbackData("m", "will-come"), 5)
      people.pressesButton(otherChat, callbackData("to-group", "will-come"), 6, group)
      people.pressesButton(otherChat, callbackData("to-channel", "will-come"), 7, channel)
      yield* confirmed
      assert.deepStrictEqual(
        (yield* told("reply-received", 7)).map(({ id, providerMessageId }) => [providerMessageId, id]),
        [
          ["1", undefined],
          ["2", undefined],
          ["3", undefined],
          ["4", undefined],
          ["5", "m"],
          ["6", "to-group"],
          ["7", "to-channel"]
        ]
      )
    })
  )
})

describe("STOP", () => {
  it.live("is told, however it is written, and leaves it to the publisher what follows", () =>
    Effect.gen(function* () {
      const { confirmed, contacts, database, events, nats, people, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none",
        TELEGRAM_STOP_WORDS: "STOP, Bitte  aufhören"
      })
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      people.writes(chat, " stop\n")
      assert.deepInclude((yield* told("opted-out", 1))[0], { contacts: ["p-1"], recipient: { chatId: "70001" } })
      assert.deepStrictEqual(
        (yield* contacts).map(({ optedOut }) => optedOut),
        [true]
      )
      people.writes(otherChat, "bitte AUFHÖREN")
      yield* told("opted-out", 2)
      people.writes(otherChat, "please stop this, I am ill")
      people.writes(otherChat, "STOP", { chat: { id: -5, type: "group" } })
      yield* confirmed
      assert.strictEqual((yield* events("opted-out")).length, 2)
      yield* publishPlainly(nats.url, [to("m", { contact: "p-1" })])
      yield* eventually("sent all the same", statusOf(database, "m"), (status) => status === "sent")
    })
  )

  it.live("is obeyed where that is configured, also of chats that nobody has linked, until START", () =>
    Effect.gen(function* () {
      const { database, events, nats, people, said, start, token, told } = yield* clinic({
        TELEGRAM_LINKED_TEXT: "none",
        TELEGRAM_STOP: "block"
      })
      yield* start
      people.pressesStart(chat, yield* token("p-1"))
      yield* told("recipient-linked", 1)
      people.writes(chat, "Stop")
      people.writes(otherChat, "Stop")
      yield* told("opted-out", 2)
      const ends = (id: string, recipient: object, status: string) =>
        Effect.andThen(
          publishPlainly(nats.url, [to(id, recipient)]),
          eventually(`${id} ${status}`, statusOf(database, id), (found) => found === status)
        )
      yield* ends("by-contact", { contact: "p-1" }, "failed")
      yield* ends("by-chat", { chatId: String(otherChat) }, "failed")
      assert.deepStrictEqual(
        (yield* events("failed")).map(({ category, reason }) => [category, reason]),
        [
          ["recipient", "opted-out"],
          ["recipient", "opted-out"]
        ]
      )
      people.writes(chat, "start")
      people.writes(otherChat, "START")
      yield* told("opted-in", 2)
      yield* ends("again", { contact: "p-1" }, "sent")
      yield* ends("again-by-chat", { chatId: String(otherChat) }, "sent")
      assert.deepStrictEqual([said(chat), said(otherChat)], [["text of again"], ["text of again-by-chat"]])
    })
  )

  const obeying = { TELEGRAM_STOP: "block" }
  /** A message that waits for its gateway to be started. */
  const withBacklog = Effect.fnUntraced(function* ({ nats, services }: Effect.Success<ReturnType<typeof clinic>>) {
    const others = [services.scheduler, services.dispatcher, services.ledger]
    yield* Effect.forEach(others, ({ start }) => start, { concurrency: 3, discard: true })
    yield* publishPlainly(nats.url, [to("m", { chatId: String(chat) })])
    yield* eventually("dispatched", eventsOf(nats.url, "carillon.event.dispatched.>"), ({ length }) => length === 1)
  })

  it.live("that was written while no gateway ran is obeyed before what waited is sent", () =>
    Effect.gen(function* () {
      const all = yield* clinic(obeying)
      const { database, events, people, said, services } = all
      yield* withBacklog(all)
      people.writes(chat, "stop")
      people.lateMillis = 1_000
      yield* services["telegram-gateway"].start
      const ended = (status = "") => ["sent", "failed"].includes(status)
      assert.strictEqual(yield* eventually("ended", statusOf(database, "m"), ended), "failed")
      assert.deepInclude((yield* events("failed"))[0], { reason: "opted-out" })
      assert.deepStrictEqual(said(chat), [])
    })
  )

  it.live("is not waited for while Telegram does not say whether there is one", () =>
    Effect.gen(function* () {
      const all = yield* clinic(obeying)
      const { database, people, services } = all
      yield* withBacklog(all)
      people.lateMillis = 600_000
      yield* services["telegram-gateway"].start
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
      assert.strictEqual(people.polls, 0)
    })
  )
})
