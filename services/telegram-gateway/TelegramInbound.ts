// How a bot hears from people: it asks Telegram for updates, or has them brought, and answers those who open a link or
// press a button.
import { createHash, timingSafeEqual } from "node:crypto"
import { Effect, Redacted, Result } from "effect"
import type { Sender } from "#shared/contract/fields/Fields.ts"
import { Windows } from "#shared/gateway/limits/Windows.ts"
import { updatesPath } from "#shared/gateway/people/Doorway.ts"
import type {
  Header,
  Heard,
  InboundDefinition,
  Polled,
  Refused,
  Source,
  Update
} from "#shared/gateway/people/Inbound.ts"
import { type Bot, type BotApiError, longestFetchSeconds, mostUpdates, unreadableAnswer } from "./BotApi.ts"
import { parseUpdate, updateNumber, type Words } from "./TelegramUpdates.ts"
import type { UpdateSettings } from "./UpdateSettings.ts"

export const inboundOf = (sender: Sender, bot: Bot, settings: UpdateSettings): InboundDefinition | undefined => {
  const { secret, way, webhookUrl, words } = settings
  if (way === "off") return undefined
  const { updates } = bot
  const polls = way === "polling"
  const admits = admitsOf(Redacted.value(secret))
  const path = updatesPath({ platform: "telegram", sender })
  const address = webhookUrl && new URL(webhookUrl.pathname.replace(/\/+$/, "") + path, webhookUrl).href
  return {
    source: polls ? { way, poll: pollOf(bot, words) } : { way, admits, parse: parserOf(words) },
    prepare: polls
      ? updates.deleteWebhook
      : address === undefined
        ? Effect.void
        : updates.setWebhook(address, Redacted.value(secret)),
    linkPrefix: Effect.map(bot.getMe, ({ username }) => `https://t.me/${username}?start=`),
    answer: answerOf(bot, settings)
  }
}

const pollOf = ({ updates }: Bot, words: Words): Extract<Source, { readonly way: "polling" }>["poll"] => {
  let atMost = mostUpdates
  return (position, waits) =>
    updates.fetch(position === undefined ? undefined : Number(position), atMost, waits ? longestFetchSeconds : 0).pipe(
      Effect.tapError(({ category }) =>
        Effect.sync(() => {
          // Of an answer that did not come whole: the same question would be answered in the same way.
          if (category === "unknown") atMost = Math.ceil(atMost / 2)
        })
      ),
      Effect.flatMap((raw): Effect.Effect<Polled, BotApiError> => {
        const more = raw.length >= atMost
        atMost = Math.min(mostUpdates, atMost * 2)
        const numbers = raw.flatMap((one) => updateNumber(one) ?? [])
        // Without a number nothing could be confirmed, and the same would come for ever.
        if (raw.length > 0 && numbers.length === 0) return Effect.fail(unreadableAnswer)
        const now = Date.now()
        return Effect.succeed({
          updates: raw.flatMap((one) => parseUpdate(one, words, now) ?? []),
          position: numbers.length === 0 ? position : String(Math.max(...numbers) + 1),
          more
        })
      })
    )
}

/** Telegram's webhook brings the secret that we gave when we asked for it. */
export const admitsOf = (secret: string) => {
  const expected = digest(secret)
  // Of digests: neither a length nor how far it is right shows in the time this takes.
  return (header: Header) => timingSafeEqual(digest(header("x-telegram-bot-api-secret-token") ?? ""), expected)
}

/** A delivery of it: one update. */
export const parserOf =
  (words: Words) =>
  (body: Uint8Array, _header: Header, now: number): Result.Result<ReadonlyArray<Update>, Refused> => {
    const raw = parseJson(body)
    if (updateNumber(raw) === undefined) return Result.fail("unreadable")
    const update = parseUpdate(raw, words, now)
    return Result.succeed(update ? [update] : [])
  }

const digest = (text: string) => createHash("sha256").update(text).digest()

const utf8 = new TextDecoder("utf-8", { fatal: true })

// What JSON.parse says repeats a piece of the text.
const parseJson = (body: Uint8Array): unknown =>
  Result.getOrUndefined(Result.try(() => JSON.parse(utf8.decode(body)) as unknown))

/** Answers are not under the limits of messages, so they have their own: a stranger could ask for any number of them. */
const perSecond = { key: "", count: 5, millis: 1_000 }
const perChat = (chatId: string) => ({ key: chatId, count: 1, millis: 3_000 })

const answerOf = ({ updates }: Bot, { linkFailedText, linkedText }: UpdateSettings) => {
  const windows = new Windows()
  const texts: Partial<Record<Heard, string>> = { linked: linkedText, "link-refused": linkFailedText }
  const mayBegin = (chatId: string, now: number) => {
    windows.tidy(now)
    const limits = [perSecond, perChat(chatId)]
    if (limits.some((limit) => windows.free(limit, now) <= 0)) return false
    for (const limit of limits) {
      windows.begin(limit)
      windows.end(limit, now)
    }
    return true
  }
  return ({ recipient: { chatId = "" }, reference }: Update, heard: Heard) => {
    const text = texts[heard]
    const call =
      reference !== undefined
        ? updates.answerButton(reference)
        : text && mayBegin(chatId, performance.now())
          ? updates.say(chatId, text)
          : Effect.void
    return Effect.catch(call, ({ message }) => Effect.logDebug(`an answer did not get through: ${message}`))
  }
}
