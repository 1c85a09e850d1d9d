// Updates that Telegram brings: proved by the secret, bounded, acknowledged when they are stored, by any replica.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../support/Carillon.ts"
import { clinic } from "../support/Clinic.ts"
import { hostedService } from "../support/host/Hosted.ts"

const chat = 70_001
const secret = "a-secret-of-the-clinic"
const settings = { TELEGRAM_UPDATES: "webhook", TELEGRAM_WEBHOOK_SECRET: secret, TELEGRAM_LINKED_TEXT: "none" }
const path = "/updates/telegram/default"

const stop = (number: number, text = "stop") =>
  JSON.stringify({
    update_id: number,
    message: { message_id: 1, date: 1_790_000_000, chat: { id: chat, type: "private" }, text }
  })

const bring = (url: string, body: string, token: string | undefined = secret, method = "POST") =>
  Effect.promise(() =>
    fetch(url, {
      method,
      headers: token === undefined ? {} : { "x-telegram-bot-api-secret-token": token },
      ...(method === "POST" ? { body } : {})
    }).then(({ status }) => status)
  )

describe("a webhook", () => {
  it.live("takes what Telegram brings, and nothing from anybody else", () =>
    Effect.gen(function* () {
      const { events, services } = yield* clinic(settings)
      const gateway = services["telegram-gateway"]
      yield* gateway.start
      const url = gateway.url + path
      const none = yield* Effect.promise(() =>
        fetch(url, { method: "POST", body: stop(1) }).then(({ status }) => status)
      )
      assert.strictEqual(none, 401)
      for (const wrong of ["", secret.slice(1), `${secret}x`, secret.toUpperCase()])
        assert.strictEqual(yield* bring(url, stop(1), wrong), 401, wrong)
      for (const malformed of ["", "{", "[]", "null", '{"update_id":"1"}', `${stop(1)}x`, "\u0000"])
        assert.strictEqual(yield* bring(url, malformed), 400, malformed)
      assert.strictEqual(yield* bring(url, stop(1, "x".repeat(2_000_000))), 413)
      assert.strictEqual(yield* bring(url, "", secret, "GET"), 405)
      assert.strictEqual(yield* bring(`${gateway.url}/updates/telegram/other`, stop(1)), 404)
      assert.deepStrictEqual(yield* events("opted-out"), [])
      assert.strictEqual(yield* bring(url, stop(2, "hello")), 200)
      assert.strictEqual(yield* bring(url, '{"update_id":3,"poll":{}}'), 200)
      assert.strictEqual(yield* bring(url, stop(4)), 200)
      // Stored by then, not later.
      assert.strictEqual((yield* events("opted-out")).length, 1)
      for (const secretOrText of [secret, "hello"]) assert.notInclude(gateway.output(), secretOrText)
    })
  )

  it.live("is served by every replica, and the same update brought to both at once counts once", () =>
    Effect.gen(function* () {
      const { environment, events, services } = yield* clinic(settings)
      const other = yield* hostedService("telegram-gateway", environment)
      const replicas = [services["telegram-gateway"], other]
      yield* Effect.forEach(replicas, ({ start }) => start, { concurrency: 2 })
      const all = Array.from({ length: 40 }, (_, index) => index + 1)
      const answers = yield* Effect.forEach(
        all.flatMap((number) => replicas.map(({ url }) => [number, url + path] as const)),
        ([number, url]) => bring(url, stop(number)),
        { concurrency: 16 }
      )
      assert.deepStrictEqual([...new Set(answers)], [200])
      assert.strictEqual((yield* events("opted-out")).length, 40)
    })
  )

  it.live("does not acknowledge what it could not store: it is brought again", () =>
    Effect.gen(function* () {
      const { nats, people, services, told } = yield* clinic(settings)
      yield* services["telegram-gateway"].start
      const url = services["telegram-gateway"].url + path
      yield* nats.stop
      assert.strictEqual(yield* bring(url, stop(900_001)), 503)
      people.webhook = { url, secret }
      const update = people.writes(chat, "stop")
      yield* nats.start
      yield* told("opted-out", 1)
      yield* eventually(
        "acknowledged",
        Effect.sync(() => people.pending.length),
        (left) => left === 0
      )
      assert.strictEqual(yield* bring(url, JSON.stringify(update)), 200)
      yield* told("opted-out", 1)
    })
  )

  it.live("is asked for by the active replica, and taken back before updates are fetched", () =>
    Effect.gen(function* () {
      const { environment, people, services, told } = yield* clinic({
        ...settings,
        TELEGRAM_WEBHOOK_URL: "https://clinic.example/carillon/"
      })
      yield* services["telegram-gateway"].start
      const webhook = yield* eventually(
        "asked for",
        Effect.sync(() => people.webhook),
        (found) => found !== undefined
      )
      assert.deepStrictEqual(webhook, { url: `https://clinic.example/carillon${path}`, secret })
      assert.strictEqual(people.polls, 0)
      yield* services["telegram-gateway"].stop
      const polling = yield* hostedService("telegram-gateway", { ...environment, TELEGRAM_UPDATES: "polling" })
      yield* polling.start
      people.writes(chat, "stop")
      yield* told("opted-out", 1)
      assert.isUndefined(people.webhook)
    })
  )

  it.live("does not begin without a secret that is one", () =>
    Effect.gen(function* () {
      const { environment } = yield* clinic()
      for (const wrong of [{}, { TELEGRAM_WEBHOOK_SECRET: "short" }]) {
        const gateway = yield* hostedService("telegram-gateway", {
          ...environment,
          TELEGRAM_UPDATES: "webhook",
          ...wrong
        })
        yield* Effect.ignoreCause(gateway.start)
        assert.include(gateway.output(), "TELEGRAM_WEBHOOK_SECRET")
        assert.notInclude(gateway.output(), "short")
      }
    })
  )
})
