// Asking Telegram for updates: one person can make them large, and all others are to be heard all the same.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { BotApiError } from "../../services/telegram-gateway/BotApi.ts"
import { inboundOf } from "../../services/telegram-gateway/TelegramInbound.ts"
import type { UpdateSettings } from "../../services/telegram-gateway/UpdateSettings.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"
import { connect, token } from "./Sending.ts"

const settings: UpdateSettings = {
  way: "polling",
  words: { stop: new Set(["stop"]), start: new Set() },
  obeysOptOut: false,
  linkedText: "",
  linkFailedText: "",
  webhookUrl: undefined,
  secret: Redacted.make("")
}

/** `heard` asks until somebody writes STOP: how many questions that took, and how many were answered at last. */
const asking = Effect.gen(function* () {
  const { apiRoot, people } = yield* startBotApiStandIn()
  const source = inboundOf("default", yield* connect(apiRoot), settings)?.source
  if (source?.way !== "polling") throw new Error("it does not poll")
  const { poll } = source
  const them = people(token.split(":")[0] ?? "")
  let position: string | undefined
  const heard = Effect.gen(function* () {
    let failures = 0
    for (let asked = 1; asked <= 20; asked++) {
      const polled = yield* Effect.result(poll(position, false))
      if (polled._tag === "Failure") failures++
      else {
        position = polled.success.position
        const { length } = polled.success.updates
        if (length > 0) return { asked, failures, length }
      }
    }
    return "nobody"
  })
  const writesMuch = (times: number, length: number) => {
    for (let index = 0; index < times; index++) them.writes(666, "x".repeat(length))
  }
  return { heard, them, writesMuch }
})

describe("updates that somebody made as large as Telegram takes them", () => {
  it.live("are asked for in numbers that fit into an answer", () =>
    Effect.gen(function* () {
      const { heard, them, writesMuch } = yield* asking
      writesMuch(50, 524_000)
      them.writes(1, "stop")
      assert.deepStrictEqual(yield* heard, { asked: 2, failures: 0, length: 1 })
    })
  )
})

describe("an answer that is too long all the same", () => {
  it.live("is not asked for again: fewer are, and as many as before when that has gone well", () =>
    Effect.gen(function* () {
      const { heard, them, writesMuch } = yield* asking
      writesMuch(3, 9_000_000)
      them.writes(1, "stop")
      assert.deepInclude(yield* heard, { length: 1 })
      const lengths: Array<number> = []
      for (let round = 0; round < 4; round++) {
        for (let index = 0; index < 31; index++) them.writes(1, "stop")
        const answer = yield* heard
        if (answer !== "nobody") lengths.push(answer.length)
      }
      assert.strictEqual(Math.max(...lengths), 31)
    })
  )
})

describe("an answer without what was asked for", () => {
  it.live("cannot be read, and ends nothing: neither a list of updates nor the bot's name", () =>
    Effect.gen(function* () {
      for (const body of ['{"ok":true}', '{"ok":true,"result":{}}', '{"ok":true,"result":"x"}']) {
        const { port } = yield* tcpServer((socket) =>
          socket.on("data", () =>
            socket.end(
              `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
            )
          )
        )
        const bot = yield* connect(`http://127.0.0.1:${port}`)
        for (const asked of [bot.updates.fetch(undefined, 1, 0), bot.getMe]) {
          const answer = yield* Effect.result(asked as Effect.Effect<unknown, BotApiError>)
          assert.deepInclude(Result.getFailure(answer), {
            value: new BotApiError({ category: "unknown", reason: "unreadable-answer" })
          })
        }
      }
    })
  )
})
