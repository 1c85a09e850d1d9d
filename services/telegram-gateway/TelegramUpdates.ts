// What of Telegram's updates concerns us, in the words of every platform. Pure. Whatever else comes is nothing: free text
// is not even looked at, but for whether it is one of a few words.
import { Option, Schema } from "effect"
import { Said, type Update } from "#shared/gateway/people/Inbound.ts"
import { readCallbackData, sameCase } from "./ReplyButtons.ts"

/** In the form that `wordOf` gives them. */
export interface Words {
  readonly stop: ReadonlySet<string>
  readonly start: ReadonlySet<string>
}

/** Case and spaces make no difference, nor do other ways to write a letter. */
export const wordOf = (text: string): string => text.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase()

const longestWord = 64

const Id = Schema.Int
const PrivateChat = Schema.Struct({ id: Id, type: Schema.Literal("private") })
const AnyChat = Schema.Struct({ id: Id, type: Schema.String, username: Schema.optionalKey(Schema.String) })
const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 253_402_300_799 }))

const Numbered = Schema.Struct({ update_id: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) })
const Text = Schema.Struct({ message: Schema.Struct({ chat: PrivateChat, date: Seconds, text: Schema.String }) })
const Membership = Schema.Struct({
  my_chat_member: Schema.Struct({
    chat: PrivateChat,
    date: Seconds,
    new_chat_member: Schema.Struct({ status: Schema.Literals(["kicked", "member"]) })
  })
})
const Press = Schema.Struct({
  callback_query: Schema.Struct({
    id: Schema.String,
    data: Schema.String,
    message: Schema.Struct({ chat: AnyChat, message_id: Id })
  })
})

const numberOf = Schema.decodeUnknownOption(Numbered)
const textIn = Schema.decodeUnknownOption(Text)
const membershipIn = Schema.decodeUnknownOption(Membership)
const pressIn = Schema.decodeUnknownOption(Press)

/** The number by which it is confirmed. */
export const updateNumber = (raw: unknown): number | undefined =>
  Option.getOrUndefined(Option.map(numberOf(raw), ({ update_id }) => update_id))

/** Nothing if it is none of ours. The time is that of the arrival: Telegram does not say when a button was pressed. */
export const parseUpdate = (raw: unknown, words: Words, now: number): Update | undefined => {
  const number = updateNumber(raw)
  if (number === undefined) return undefined
  const id = String(number)

  const text = textIn(raw)
  if (Option.isSome(text)) {
    const { chat, date, text: written } = text.value.message
    const said = saidIn(written, words)
    return said && { id, recipient: { chatId: String(chat.id) }, at: date * 1_000, said }
  }
  const membership = membershipIn(raw)
  if (Option.isSome(membership)) {
    const { chat, date, new_chat_member } = membership.value.my_chat_member
    const said = new_chat_member.status === "kicked" ? Said.Blocked() : Said.Unblocked()
    return { id, recipient: { chatId: String(chat.id) }, at: date * 1_000, said }
  }
  const press = pressIn(raw)
  if (Option.isNone(press)) return undefined
  const { id: reference, data, message } = press.value.callback_query
  const button = readCallbackData(data)
  if (!button) return undefined
  return {
    id,
    recipient: { chatId: String(message.chat.id) },
    at: now,
    said: Said.Replied({
      button: button.name,
      reply: button.reply,
      providerMessageId: String(message.message_id),
      ...aliasOf(message.chat)
    }),
    reference
  }
}

/** A person's name is no address: it may once have been that of a channel. */
const aliasOf = ({ type, username }: typeof AnyChat.Type) =>
  username === undefined || type === "private" ? {} : { alias: { chatId: sameCase(`@${username}`) } }

/** A link that was opened arrives as a command with its token. */
const saidIn = (written: string, { start, stop }: Words): Said | undefined => {
  const [, token] = /^\/start ([A-Za-z0-9_-]{1,64})$/.exec(written) ?? []
  if (token !== undefined) return Said.LinkOpened({ token })
  if (written.length > longestWord) return undefined
  const word = wordOf(written)
  return stop.has(word) ? Said.OptedOut() : start.has(word) ? Said.OptedIn() : undefined
}
