// The Telegram gateway: what every gateway does, with Telegram's limits and its way of sending.
import { Config, Effect } from "effect"
import { runGateway } from "#shared/gateway/Gateway.ts"
import { BotApi } from "./BotApi.ts"

/** Telegram allows a bot about 30 messages a second; some room is left. 0 for no limit, as a local stand-in has none. */
const perSecond = Config.Int("TELEGRAM_MESSAGES_PER_SECOND").pipe(Config.withDefault(25))
const concurrency = Config.Int("TELEGRAM_CONNECTIONS").pipe(Config.withDefault(100))

/** Says who we are, and opens the way: the first message need not wait for it. */
const introduce = Effect.gen(function* () {
  const { getMe } = yield* BotApi
  yield* getMe.pipe(
    Effect.flatMap(({ username }) => Effect.logInfo(`sending as @${username}`)),
    Effect.catchTag("BotApiError", (error) => Effect.logError(error.message))
  )
})

export const run = Effect.gen(function* () {
  const api = yield* BotApi
  yield* introduce
  yield* runGateway({
    platform: "telegram",
    send: ({ message: { recipient, content } }) =>
      api.sendMessage({ chatId: recipient.chatId, text: content.text, format: content.format ?? "plain" }),
    concurrency: yield* concurrency,
    perSecond: yield* perSecond
  })
})
