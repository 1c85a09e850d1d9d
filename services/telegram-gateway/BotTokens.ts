// The tokens of the bots, by the name of the sender that each is.
import { Schema } from "effect"
import { senderSecrets } from "#shared/gateway/sender/SenderSecrets.ts"
import { secret } from "#shared/service/Settings.ts"

const Token = Schema.String.check(
  Schema.isPattern(/^[1-9]\d*:[\w-]+$/, { message: "must be a token as BotFather gives it, 123456:ABC-def" })
)

export const botToken = secret(
  "TELEGRAM_BOT_TOKEN",
  {
    says: "The token of the bot that is the sender `default`",
    takes: "as BotFather gives it: `123456:ABC-def`",
    otherwise: "required, if `TELEGRAM_BOT_TOKENS` names none"
  },
  Token
)
export const botTokens = secret("TELEGRAM_BOT_TOKENS", {
  says: "The tokens of further senders by their names: a message names its `sender`",
  takes: "`north=123:abc,south=456:def`"
})

export const tokens = senderSecrets({
  single: botToken,
  several: botTokens,
  schema: Token,
  called: "token as BotFather gives it",
  shape: "name=token"
})
