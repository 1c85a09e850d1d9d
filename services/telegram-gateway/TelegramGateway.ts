// The Telegram gateway: what every gateway does, with Telegram's limits and its way of sending.
import { Effect, Semaphore } from "effect"
import { addressOf, type Recipient } from "#shared/contract/fields/Fields.ts"
import { runGateway } from "#shared/gateway/Gateway.ts"
import { everySecond } from "#shared/gateway/limits/Windows.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { fraction, setting, whole } from "#shared/service/Settings.ts"
import { type Bot, Bots, connections } from "./BotApi.ts"
import { callsOf } from "./Calls.ts"
import { uploadMegabytes } from "./MediaFiles.ts"
import { inboundOf } from "./TelegramInbound.ts"
import { updateSettings } from "./UpdateSettings.ts"

/** Telegram publishes no exact limits; these are its advice, with some room left for the bot as a whole. 0 is none. */
const limits = Effect.all({
  perSecond: setting("TELEGRAM_MESSAGES_PER_SECOND", whole(0, 100_000), {
    says: "The most messages of a bot in any second; 0 is no limit",
    byDefault: 25
  }),
  chatPerSecond: setting("TELEGRAM_CHAT_MESSAGES_PER_SECOND", fraction(0, 1_000), {
    says: "The most messages to one private chat in a second; below 1 is possible, 0 is no limit",
    byDefault: 1
  }),
  groupPerMinute: setting("TELEGRAM_GROUP_MESSAGES_PER_MINUTE", whole(0, 100_000), {
    says: "The most messages to one group or channel in any minute; 0 is no limit",
    byDefault: 20
  }),
  connections
})

const isGroup = (recipient: Recipient) => /^[-@]/.test(addressOf(recipient))

/** Says who we are, and opens the way: the first message need not wait for it. */
const introduce = Effect.fnUntraced(function* (sender: string, { getMe }: Bot) {
  yield* getMe.pipe(
    Effect.flatMap(({ username }) => Effect.logInfo(`${sender}: sending as @${username}`)),
    Effect.catchTag("BotApiError", (error) => Effect.logError(`${sender}: ${error.message}`))
  )
})

export const run = Effect.gen(function* () {
  const bots = yield* Bots
  const shelf = { memory: yield* Memory, files: yield* Files, megabytes: yield* Semaphore.make(uploadMegabytes) }
  const { chatPerSecond, connections, groupPerMinute, perSecond } = yield* limits
  const settings = yield* updateSettings
  yield* Effect.forEach(bots, ([sender, bot]) => introduce(sender, bot), { concurrency: "unbounded" })
  yield* runGateway({
    platform: "telegram",
    senders: [...bots].map(([name, bot]) => {
      const inbound = inboundOf(name, bot, settings)
      return {
        name,
        calls: callsOf(bot, { sender: name, ...shelf }),
        obeysOptOut: settings.obeysOptOut,
        ...(inbound && { inbound })
      }
    }),
    connections,
    perSecond,
    recipientLimit: (recipient) =>
      isGroup(recipient)
        ? groupPerMinute > 0
          ? { count: groupPerMinute, millis: 60_000 }
          : undefined
        : everySecond(chatPerSecond)
  })
})
