// What is asked of the Bot API for each kind of content: method and payload. Pure. Text goes with its entities, never
// with a parse mode: markup cannot be a reason to refuse it.
import type { Content, FileKind } from "#shared/contract/Content.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import type { Formatted } from "#shared/platforms/telegram/Formatted.ts"
import { linkUrl } from "#shared/platforms/telegram/Links.ts"
import { callbackData } from "./ReplyButtons.ts"

/** Bytes on their way to Telegram. */
export class Upload {
  readonly bytes: Uint8Array
  readonly name: string

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.name = name
  }
}

/** A file id, an address that Telegram fetches, or bytes. */
export type Media = string | Upload

export interface BotRequest {
  readonly method: string
  readonly payload: Readonly<Record<string, unknown>>
  /** The kinds of the files it carries, in their order: Telegram answers with an id for each. */
  readonly files: ReadonlyArray<FileKind>
}

/** How a message is shown, as far as its place among the parts of a text is concerned. */
export interface Place {
  readonly chatId: string
  readonly first: boolean
  readonly last: boolean
}

const methods: { readonly [Kind in FileKind]: string } = {
  photo: "sendPhoto",
  document: "sendDocument",
  audio: "sendAudio",
  video: "sendVideo",
  voice: "sendVoice",
  animation: "sendAnimation"
}

/** Fields that every method has. A reply to a message that is gone is sent all the same. */
const shown = (id: MessageId, content: Content, { chatId, first, last }: Place) => ({
  chat_id: chatId,
  ...(content.silent ? { disable_notification: true } : {}),
  ...(content.protect ? { protect_content: true } : {}),
  ...(content.topic === undefined ? {} : { message_thread_id: content.topic }),
  ...(content.replyTo === undefined || !first
    ? {}
    : { reply_parameters: { message_id: Number(content.replyTo), allow_sending_without_reply: true } }),
  ...(last && "buttons" in content && content.buttons
    ? { reply_markup: { inline_keyboard: content.buttons.map((row) => row.map((button) => keyOf(id, button))) } }
    : {})
})

interface Pressed {
  readonly text: string
  readonly url?: string
  readonly reply?: string
}

const keyOf = (id: MessageId, { text, url, reply = "" }: Pressed) =>
  url === undefined ? { text, callback_data: callbackData(id, reply) } : { text, url: linkUrl(url) ?? url }

const captionOf = (caption: Formatted | undefined) =>
  caption === undefined ? {} : { caption: caption.text, ...marked("caption_entities", caption) }

const marked = (key: string, { entities }: Formatted) => (entities.length === 0 ? {} : { [key]: entities })

export const textRequest = (
  id: MessageId,
  content: Extract<Content, { type: "text" }>,
  part: Formatted,
  place: Place
): BotRequest => ({
  method: "sendMessage",
  payload: {
    ...shown(id, content, place),
    text: part.text,
    ...marked("entities", part),
    ...(content.linkPreview === undefined ? {} : { link_preview_options: { is_disabled: !content.linkPreview } })
  },
  files: []
})

const only = (chatId: string): Place => ({ chatId, first: true, last: true })

export const locationRequest = (
  id: MessageId,
  content: Extract<Content, { type: "location" }>,
  chatId: string
): BotRequest => ({
  method: "sendLocation",
  payload: { ...shown(id, content, only(chatId)), latitude: content.latitude, longitude: content.longitude },
  files: []
})

export interface CaptionedMedia {
  readonly kind: FileKind
  readonly media: Media
  readonly caption: Formatted | undefined
}

/** One file, or an album of several. */
export const filesRequest = (
  id: MessageId,
  content: Content,
  items: ReadonlyArray<CaptionedMedia>,
  chatId: string
): BotRequest => {
  const files = items.map(({ kind }) => kind)
  const common = shown(id, content, only(chatId))
  const [item] = items
  if (content.type !== "album" && item)
    return {
      method: methods[item.kind],
      payload: { ...common, [item.kind]: item.media, ...captionOf(item.caption) },
      files
    }
  const media = items.map(({ kind, media, caption }) => ({ type: kind, media, ...captionOf(caption) }))
  return { method: "sendMediaGroup", payload: { ...common, media }, files }
}
