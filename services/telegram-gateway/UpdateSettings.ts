// How the gateway hears from people, as configured.
import { Config, Effect, Option, Redacted, Schema } from "effect"
import { type Words, wordOf } from "./TelegramUpdates.ts"

const words = (name: string, byDefault: string) =>
  Config.String(name).pipe(
    Config.withDefault(byDefault),
    Config.map(
      (list): ReadonlySet<string> =>
        new Set(
          list
            .split(",")
            .map(wordOf)
            .filter((word) => word !== "")
        )
    )
  )

/** `none` is no answer. */
const text = (name: string, byDefault: string) =>
  Config.schema(Schema.String.check(Schema.isMaxLength(1_000)), name).pipe(
    Config.withDefault(byDefault),
    Config.map((given) => (given === "none" ? "" : given))
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

const config = Config.all({
  way: Config.Literals(["polling", "webhook", "off"], "TELEGRAM_UPDATES").pipe(Config.withDefault("polling" as const)),
  stop: words("TELEGRAM_STOP_WORDS", "STOP"),
  start: words("TELEGRAM_START_WORDS", "START"),
  onStop: Config.Literals(["emit", "block"], "TELEGRAM_STOP").pipe(Config.withDefault("emit" as const)),
  linkedText: text("TELEGRAM_LINKED_TEXT", "You will get your messages here."),
  linkFailedText: text("TELEGRAM_LINK_FAILED_TEXT", "This link cannot be used any more. Please ask for a new one."),
  webhookUrl: Config.option(Config.schema(PublicAddress, "TELEGRAM_WEBHOOK_URL"))
})

export type UpdateSettings = Effect.Success<typeof updateSettings>

/** The secret is required where updates are brought: without it anybody could bring them. */
export const updateSettings = Effect.gen(function* () {
  const { linkFailedText, linkedText, onStop, start, stop, way, webhookUrl } = yield* config
  const secret =
    way === "webhook"
      ? yield* Config.schema(Schema.RedactedFromValue(Secret), "TELEGRAM_WEBHOOK_SECRET")
      : Redacted.make("")
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
