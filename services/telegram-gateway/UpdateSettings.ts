// How the gateway hears from people, as configured.
import { Effect, Option, Redacted, Schema } from "effect"
import { secret as secretSetting, setting } from "#shared/service/Settings.ts"
import { type Words, wordOf } from "./TelegramUpdates.ts"

const words = (key: string, says: string, byDefault: string) =>
  Effect.map(
    setting(key, Schema.String, { says, takes: "words with commas between, in any case", byDefault }),
    (list): ReadonlySet<string> =>
      new Set(
        list
          .split(",")
          .map(wordOf)
          .filter((word) => word !== "")
      )
  )

/** `none` is no answer. */
const text = (key: string, says: string, byDefault: string) =>
  Effect.map(
    setting(key, Schema.String.check(Schema.isMaxLength(1_000)), {
      says,
      takes: "at most 1,000 characters, or `none` for no answer",
      byDefault
    }),
    (given) => (given === "none" ? "" : given)
  )

const PublicAddress = Schema.URLFromString.check(
  Schema.makeFilter(({ protocol, search, hash }) =>
    protocol !== "https:" && protocol !== "http:"
      ? "must begin with https://"
      : search !== "" || hash !== ""
        ? "must end with its path"
        : true
  )
)

const Secret = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{16,256}$/, { message: "must be 16 to 256 of A-Z a-z 0-9 _ -" })
)

const config = Effect.all({
  way: setting("TELEGRAM_UPDATES", Schema.Literals(["polling", "webhook", "off"]), {
    says: "How the gateway hears from people; `off` where something else uses the updates of this token",
    byDefault: "polling"
  }),
  stop: words("TELEGRAM_STOP_WORDS", "What a person writes, alone in a message, to get no more", "STOP"),
  start: words("TELEGRAM_START_WORDS", "What a person writes to get messages again", "START"),
  onStop: setting("TELEGRAM_STOP", Schema.Literals(["emit", "block"]), {
    says: "What follows when a person writes a word of `TELEGRAM_STOP_WORDS`: an event only, or also that nothing is sent to the chat until it opts in or opens a new link",
    byDefault: "emit"
  }),
  linkedText: text(
    "TELEGRAM_LINKED_TEXT",
    "The answer to who opened the link of a contact",
    "You will get your messages here."
  ),
  linkFailedText: text(
    "TELEGRAM_LINK_FAILED_TEXT",
    "The answer to who opened a link that is unknown, used or over",
    "This link cannot be used any more. Please ask for a new one."
  ),
  webhookUrl: setting("TELEGRAM_WEBHOOK_URL", PublicAddress, {
    says: "With `TELEGRAM_UPDATES=webhook`: the public address that leads to `HTTP_PORT`; `/updates/telegram/<sender>` is put at its end, and Telegram is told",
    takes: "a URL that begins with `https://` and ends with its path",
    otherwise: "you tell Telegram yourself"
  }).given
})

const webhookSecret = secretSetting(
  "TELEGRAM_WEBHOOK_SECRET",
  {
    says: "What Telegram has to show when it brings updates",
    takes: "16 to 256 of `A-Z a-z 0-9 _ -`",
    otherwise: "required with `TELEGRAM_UPDATES=webhook`"
  },
  Secret
)

export type UpdateSettings = Effect.Success<typeof updateSettings>

/** The secret is required where updates are brought: without it anybody could bring them. */
export const updateSettings = Effect.gen(function* () {
  const { linkFailedText, linkedText, onStop, start, stop, way, webhookUrl } = yield* config
  const secret = way === "webhook" ? yield* webhookSecret : Redacted.make("")
  return {
    way,
    words: { stop, start } satisfies Words as Words,
    obeysOptOut: onStop === "block",
    linkedText,
    linkFailedText,
    webhookUrl: Option.getOrUndefined(webhookUrl),
    secret
  }
})
