// The tokens of the bots, by the name of the sender that each is.
import { Config, Effect, Option, Redacted, Schema } from "effect"
import { defaultSender, Sender } from "#shared/contract/Fields.ts"

const Token = Schema.String.check(
  Schema.isPattern(/^[1-9]\d*:[\w-]+$/, { message: "must be a token as BotFather gives it, 123456:ABC-def" })
)
const isToken = Schema.is(Token)
const isSender = Schema.is(Sender)

/** TELEGRAM_BOT_TOKENS is wrong. Its problem names a place in it, never a token. */
export class BadTokens extends Schema.TaggedError<BadTokens>()("BadTokens", { problem: Schema.String }) {
  override get message() {
    return `TELEGRAM_BOT_TOKENS ${this.problem}: write name=token, several with commas between`
  }
}

const single = Config.option(Config.schema(Schema.RedactedFromValue(Token), "TELEGRAM_BOT_TOKEN"))
const several = Config.option(Config.Redacted("TELEGRAM_BOT_TOKENS"))

/** TELEGRAM_BOT_TOKEN is the sender `default`; TELEGRAM_BOT_TOKENS names further ones. At least one is needed. */
export const tokens = Effect.gen(function* () {
  const found = new Map<Sender, Redacted.Redacted<string>>()
  const list = yield* several
  if (Option.isSome(list)) {
    for (const [index, part] of Redacted.value(list.value).split(",").entries()) {
      const [name = "", token = ""] = part.trim().split(/=(.*)/s)
      if (!isSender(name)) return yield* new BadTokens({ problem: `has no usable name in entry ${index + 1}` })
      if (!isToken(token)) return yield* new BadTokens({ problem: `has no token as BotFather gives it for ${name}` })
      if (found.has(name)) return yield* new BadTokens({ problem: `names ${name} twice` })
      found.set(name, Redacted.make(token))
    }
  }
  const one = yield* single
  if (Option.isSome(one)) found.set(defaultSender, one.value)
  // Asked for once more without a default, so that what is missing is said in the usual words.
  if (found.size === 0) yield* Config.Redacted("TELEGRAM_BOT_TOKEN")
  return found as ReadonlyMap<Sender, Redacted.Redacted<string>>
})
