// Updates come at least once, and gateways are killed: what an update leads to happens once all the same.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { eventually, statusOf } from "../support/Carillon.ts"
import { clinic, to } from "../support/Clinic.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { lossyProxy } from "../support/proxies/LossyProxy.ts"
import { forgetDuplicates } from "../support/Streams.ts"

const chat = 70_001
const quiet = { TELEGRAM_LINKED_TEXT: "none", TELEGRAM_LINK_FAILED_TEXT: "failed" }

describe("an update that comes again", () => {
  it.live("does nothing, also when NATS has forgotten what it saw", () =>
    Effect.gen(function* () {
      const { confirmed, contacts, events, nats, people, said, start, token, told } = yield* clinic(quiet)
      yield* start
      const updates = [
        people.pressesStart(chat, yield* token("p-1")),
        people.blocks(chat),
        people.unblocks(chat),
        people.pressesButton(chat, callbackData("m", "yes")),
        people.writes(chat, "stop")
      ]
      yield* told("opted-out", 1)
      yield* forgetDuplicates(nats.url)
      for (const update of [...updates, ...updates]) people.comesAgain(update)
      // Behind those that came again: when it is told, they are dealt with.
      people.writes(chat, "start")
      yield* told("opted-in", 1)
      yield* confirmed
      for (const type of [
        "recipient-linked",
        "recipient-blocked",
        "recipient-unblocked",
        "reply-received",
        "opted-out"
      ])
        assert.strictEqual((yield* events(type)).length, 1, type)
      // The old STOP did not undo the START, nor the link what came after it.
      assert.deepStrictEqual(
        (yield* contacts).map(({ blocked, contact, optedOut }) => ({ blocked, contact, optedOut })),
        [{ blocked: false, contact: "p-1", optedOut: false }]
      )
      assert.deepStrictEqual(said(chat), [])
    })
  )
})

describe("a gateway that is killed while it links a patient", () => {
  /** Everything that the gateway publishes from the first (or second) message to such a subject on is lost. */
  const killedAt = (what: string, subject: string, time: number, windowGone: boolean) =>
    it.live(`${what}: the link is made once, by the same update`, () =>
      Effect.gen(function* () {
        const { confirmed, contacts, environment, events, nats, people, said, services, token, told } =
          yield* clinic(quiet)
        let seen = 0
        const url = yield* lossyProxy(nats.url, (published) => {
          if (published.startsWith(subject)) seen++
          return seen >= time && published.startsWith("carillon.")
        })
        const victim = yield* serviceProcess("telegram-gateway", { ...environment, NATS_URL: url })
        yield* Effect.all([victim.start, services.scheduler.start], { concurrency: 2 })
        const link = yield* token("p-1")
        const update = people.pressesStart(chat, link)
        yield* eventually(
          "it is there",
          Effect.sync(() => seen),
          (count) => count >= time
        )
        if (windowGone) yield* forgetDuplicates(nats.url)
        yield* victim.kill9
        assert.deepStrictEqual(people.pending, [update], "it was confirmed before it was dealt with")
        yield* services["telegram-gateway"].start
        yield* told("recipient-linked", 1)
        yield* confirmed
        assert.strictEqual((yield* events("recipient-linked")).length, 1)
        assert.deepInclude((yield* contacts)[0], { contact: "p-1", recipient: { chatId: "70001" } })
        // The token is used up all the same.
        people.pressesStart(70_002, link)
        yield* confirmed
        yield* eventually(
          "refused",
          Effect.sync(() => said(70_002)),
          (texts) => texts.join() === "failed"
        )
        assert.strictEqual((yield* contacts).length, 1)
      })
    )

  killedAt("before the token is taken", "carillon.memory.link.", 1, false)
  killedAt("before the contact is stored", "carillon.memory.contact.", 1, false)
  killedAt("before the chat knows of it", "carillon.memory.chat.", 1, false)
  killedAt("before the event is stored", "carillon.event.recipient-linked.", 1, false)
  killedAt("before it is remembered as done", "carillon.memory.update.", 2, false)
  killedAt("the same, and NATS has forgotten what it saw", "carillon.memory.update.", 2, true)
})

describe("two replicas", () => {
  it.live("never ask at the same time, and no update is lost or doubled when the active one is killed", () =>
    Effect.gen(function* () {
      const { confirmed, environment, events, people, services, start, token, told } = yield* clinic(quiet, {
        processes: ["telegram-gateway"]
      })
      yield* start
      const other = yield* hostedService("telegram-gateway", environment)
      yield* other.start
      for (let index = 0; index < 10; index++) people.writes(chat + index, "stop")
      yield* told("opted-out", 10)
      const link = yield* token("p-1")
      yield* services["telegram-gateway"].kill9
      people.pressesStart(chat, link)
      for (let index = 10; index < 70; index++) people.writes(chat + index, "stop")
      yield* told("opted-out", 70)
      yield* told("recipient-linked", 1)
      yield* services["telegram-gateway"].start
      // An orderly end hands over as well.
      yield* other.stop
      for (let index = 70; index < 80; index++) people.writes(chat + index, "stop")
      yield* told("opted-out", 80)
      yield* confirmed
      const causes = (yield* events("opted-out")).map(({ cause }) => cause)
      assert.strictEqual(new Set(causes).size, 80)
      assert.strictEqual(people.conflicts, 0)
    })
  )
})

describe("a gateway that cannot hear", () => {
  it.live("says why, sends all the same, and goes on hearing where it was", () =>
    Effect.gen(function* () {
      const { database, nats, people, phones, services, start, told } = yield* clinic(quiet)
      yield* start
      const output = Effect.sync(() => services["telegram-gateway"].output())
      const rival = Effect.promise(() =>
        fetch(`${phones.apiRoot}/bot1:test/getUpdates`, { method: "POST", body: "{}" })
      )
      const polling = eventually(
        "it asks",
        Effect.sync(() => people.polled),
        (polled) => polled
      )
      yield* polling
      people.writes(chat, "stop")
      yield* told("opted-out", 1)
      yield* rival
      const said = yield* eventually("heard of it", output, (text) => text.includes("updates do not come in"))
      assert.include(said, "conflict (sender)")
      yield* Effect.andThen(polling, rival)
      yield* polling
      people.writes(chat, "start")
      yield* told("opted-in", 1)
      yield* eventually("it is over", output, (text) => text.includes("updates do not come in: over, after 2 failures"))
      yield* publishPlainly(nats.url, [to("m", { chatId: "5" })])
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
    })
  )
})

describe("a gateway that is not to hear", () => {
  it.live("asks for nothing and leaves the bot's webhook to whoever has set it", () =>
    Effect.gen(function* () {
      const { people, services } = yield* clinic({ TELEGRAM_UPDATES: "off" })
      people.webhook = { url: "http://127.0.0.1:1/theirs", secret: "" }
      yield* services["telegram-gateway"].start
      yield* eventually(
        "active",
        Effect.sync(() => services["telegram-gateway"].output()),
        (output) => output.includes("default: active")
      )
      yield* services["telegram-gateway"].stop
      assert.strictEqual(people.polls, 0)
      assert.isDefined(people.webhook)
    })
  )
})
