// The tokens of the bots, by the name of the sender that each is.
import { Schema } from "effect"
import { senderSecrets } from "#shared/gateway/SenderSecrets.ts"

const Token = Schema.String.check(
  Schema.isPattern(/^[1-9]\d*:[\w-]+$/, { message: "must be a token as BotFather gives it, 123456:ABC-def" })
)

/** TELEGRAM_BOT_TOKEN is the sender `default`; TELEGRAM_BOT_TOKENS names further ones. */
export const tokens = senderSecrets({
  single: "TELEGRAM_BOT_TOKEN",
  several: "TELEGRAM_BOT_TOKENS",
  schema: Token,
  called: "token as BotFather gives it",
  shape: "name=token"
})
