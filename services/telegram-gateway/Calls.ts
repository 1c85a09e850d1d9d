// The calls to Telegram that deliver a message, in order: one, or one for each part of a long text.
import { Effect } from "effect"
import type { AlbumItem, FileContent } from "#shared/contract/Content.ts"
import type { Attempt, Message } from "#shared/contract/Events.ts"
import { addressOf } from "#shared/contract/fields/Fields.ts"
import type { Call, Send } from "#shared/gateway/Platform.ts"
import { writeAsked } from "#shared/gateway/people/Asked.ts"
import type { Contacts } from "#shared/gateway/people/Contacts.ts"
import { captionOf, partsOf } from "#shared/platforms/telegram/TelegramRules.ts"
import type { Bot } from "./BotApi.ts"
import { type BotRequest, filesRequest, locationRequest, textRequest } from "./BotRequests.ts"
import { type Shelf, sendFiles, unreachable } from "./MediaFiles.ts"
import { buttonName, buttonSeconds, sameCase } from "./ReplyButtons.ts"

export const callsOf =
  (bot: Bot, shelf: Shelf) =>
  (message: Message, _: Attempt, nameOf: Contacts["nameOf"]): ReadonlyArray<Call> => {
    const { content, id, recipient } = message
    const chatId = addressOf(recipient)
    const asking = (call: Call) => withButtons(shelf, message, nameOf, call)
    const send = (request: BotRequest): Send => Effect.map(bot.send(request), ({ outcome }) => outcome)
    switch (content.type) {
      case "text": {
        const parts = partsOf(content)
        return parts.map((part, index) => {
          const place = { chatId, first: index === 0, last: index === parts.length - 1 }
          const call = send(textRequest(id, content, part, place))
          return place.last ? asking(call) : call
        })
      }
      case "location":
        return [asking(send(locationRequest(id, content, chatId)))]
      default:
        return [asking(sendItems(bot, shelf, message, content.type === "album" ? content.items : [content]))]
    }
  }

const sendItems = (
  bot: Bot,
  shelf: Shelf,
  { id, content, recipient }: Message,
  items: ReadonlyArray<FileContent | AlbumItem>
) =>
  sendFiles(
    shelf,
    items.map(({ type, file, name }) => ({ kind: type, file, name })),
    (media) => {
      const captioned = media.map((media, index) => {
        const item = items[index] as FileContent | AlbumItem
        return { kind: item.type, media, caption: captionOf(item) }
      })
      return bot.send(filesRequest(id, content, captioned, addressOf(recipient)))
    }
  )

/** What its reply buttons stand for is known before anybody can press one. */
const withButtons = (
  { memory, sender }: Shelf,
  { content, id, recipient }: Message,
  nameOf: Contacts["nameOf"],
  call: Call
): Call => {
  const buttons = ("buttons" in content && content.buttons?.flat()) || []
  const replies = buttons.flatMap(({ reply }) => reply ?? [])
  if (replies.length === 0) return call
  const asked = writeAsked({ id, chat: nameOf({ chatId: sameCase(addressOf(recipient)) }), replies })
  const known = memory.remember("button", `telegram.${sender}.${buttonName(id)}`, asked, { seconds: buttonSeconds })
  const asking = Effect.mapError(known, () => unreachable)
  return { prepare: "prepare" in call ? Effect.andThen(asking, call.prepare) : Effect.as(asking, call) }
}
