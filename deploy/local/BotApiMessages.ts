// What the stand-in of the Bot API makes of a send: what came in, what Telegram would have against it, and its answer.
import { createHash } from "node:crypto"
import { type FilePart, readMultipart } from "./Multipart.ts"

export interface ReceivedEntity {
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly language?: string
}

export interface ReceivedFile {
  readonly kind: string
  /** A file id or an address, as it was given; nothing of an upload. */
  readonly given: string | undefined
  readonly upload: FilePart | undefined
  readonly caption: string
  readonly entities: ReadonlyArray<ReceivedEntity>
}

export interface ReceivedButton {
  readonly text: string
  readonly url?: string
  readonly callback_data?: string
}

/** One send as it came in. */
export interface Received {
  /** The number before the colon of the bot's token. */
  readonly bot: string
  readonly method: string
  readonly chatId: string
  /** The text, or the caption of the first file. */
  readonly text: string
  readonly entities: ReadonlyArray<ReceivedEntity>
  readonly files: ReadonlyArray<ReceivedFile>
  readonly location: { readonly latitude: number; readonly longitude: number } | undefined
  readonly buttons: ReadonlyArray<ReadonlyArray<ReceivedButton>>
  readonly parseMode: string | undefined
  readonly silent: boolean
  readonly protect: boolean
  /** As Telegram chooses if it is not said. */
  readonly linkPreview: boolean | undefined
  readonly topic: number | undefined
  readonly replyTo: number | undefined
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number
}

const kinds: Readonly<Record<string, string>> = {
  sendPhoto: "photo",
  sendDocument: "document",
  sendAudio: "audio",
  sendVideo: "video",
  sendVoice: "voice",
  sendAnimation: "animation"
}
export const sendMethods: ReadonlySet<string> = new Set([
  "sendMessage",
  "sendMediaGroup",
  "sendLocation",
  ...Object.keys(kinds)
])

type Fields = Readonly<Record<string, unknown>>

export const botOf = (token: string) => token.split(":")[0] ?? ""

/** Of a form or of JSON; nothing if it can be read as neither. */
export const fieldsOf = (contentType: string | undefined, body: Buffer): Record<string, unknown> | undefined => {
  const fields = contentType?.startsWith("application/x-www-form-urlencoded")
    ? Object.fromEntries(new URLSearchParams(body.toString()))
    : parseJson(body.length === 0 ? "{}" : body.toString())
  return typeof fields === "object" && fields !== null ? (fields as Record<string, unknown>) : undefined
}

export const parseRequest = (
  token: string,
  method: string,
  contentType: string | undefined,
  body: Buffer
): Received | undefined => {
  const form = contentType?.startsWith("multipart/") ? readMultipart(contentType, body) : undefined
  const given: Fields | undefined = contentType?.startsWith("multipart/") ? form?.fields : fieldsOf(contentType, body)
  if (given === undefined) return undefined
  const uploads = form?.files ?? {}
  const files = filesOf(method, given, uploads)
  const { chat_id, parse_mode } = given
  const [text, entities] = ["text" in given ? given.text : files[0]?.caption, structured(given.entities)]
  const { latitude, longitude } = given
  return {
    bot: botOf(token),
    method,
    chatId: chat_id === undefined ? "" : String(chat_id),
    text: typeof text === "string" ? text : "",
    entities: (entities ?? files[0]?.entities ?? []) as ReadonlyArray<ReceivedEntity>,
    files,
    location: method === "sendLocation" ? { latitude: Number(latitude), longitude: Number(longitude) } : undefined,
    buttons: ((structured(given.reply_markup) as Fields)?.inline_keyboard ?? []) as Received["buttons"],
    parseMode: typeof parse_mode === "string" ? parse_mode : undefined,
    silent: isTrue(given.disable_notification),
    protect: isTrue(given.protect_content),
    linkPreview: optional(structured(given.link_preview_options), "is_disabled", (disabled) => !isTrue(disabled)),
    topic: given.message_thread_id === undefined ? undefined : Number(given.message_thread_id),
    replyTo: optional(structured(given.reply_parameters), "message_id", Number),
    at: performance.timeOrigin + performance.now()
  }
}

const filesOf = (method: string, given: Fields, uploads: Readonly<Record<string, FilePart>>) => {
  const kind = kinds[method]
  const file = (kind: string, media: unknown, { caption, caption_entities }: Fields): ReceivedFile => {
    const attached = typeof media === "string" ? /^attach:\/\/(.+)$/.exec(media)?.[1] : undefined
    return {
      kind,
      given: attached === undefined && typeof media === "string" ? media : undefined,
      upload: attached === undefined ? undefined : uploads[attached],
      caption: typeof caption === "string" ? caption : "",
      entities: (structured(caption_entities) ?? []) as ReadonlyArray<ReceivedEntity>
    }
  }
  if (kind !== undefined) return [file(kind, given[kind], given)]
  if (method !== "sendMediaGroup") return []
  const items = structured(given.media)
  return (Array.isArray(items) ? (items as ReadonlyArray<Fields>) : []).map((item) =>
    file(String(item.type), item.media, item)
  )
}

const isTrue = (value: unknown) => value === true || value === "true"

/** In a form, what is no text is JSON. */
const structured = (value: unknown): unknown => (typeof value === "string" ? parseJson(value) : value)

const optional = <A>(value: unknown, key: string, read: (inner: unknown) => A): A | undefined =>
  typeof value === "object" && value !== null && key in value ? read((value as Fields)[key]) : undefined

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const codePoints = (text: string) => (text.length > 1_024 ? [...text].length : text.length)

/** Inside the text, and not in the middle of a surrogate pair: all that Telegram's server insists on. */
const entityFault = (text: string, entities: ReadonlyArray<ReceivedEntity>) => {
  for (const { length, offset, type, url } of entities) {
    const covered = text.slice(offset, offset + length)
    if (offset < 0 || length <= 0 || offset + length > text.length) return "ENTITY_BOUNDS_INVALID"
    if (!covered.isWellFormed()) return "entity begins or ends in a middle of a UTF-16 symbol"
    if (type === "text_link" && !isAddress(url)) return "wrong message entity: wrong HTTP URL"
  }
  return undefined
}

const isAddress = (url: string | undefined) =>
  url !== undefined &&
  (/^tg:\/\/./.test(url) || (/^https?:\/\//.test(url) && (URL.parse(url)?.hostname ?? "").includes(".")))

/** `known`: the file ids of this bot. */
export const faultOf = (
  { buttons, chatId, entities, files, location, method, text }: Received,
  known: ReadonlySet<string>
): string | undefined => {
  if (method === "sendMessage") {
    if (text === "") return "message text is empty"
    if (chatId === "") return "chat_id is empty"
    if (text.trim() === "") return "text must be non-empty"
    if (codePoints(text) > 4_096) return "message is too long"
    const fault = entityFault(text, entities)
    if (fault !== undefined) return fault
  }
  if (chatId === "") return "chat_id is empty"
  if (location && !(Math.abs(location.latitude) <= 90 && Math.abs(location.longitude) <= 180))
    return "bad Request: latitude or longitude is out of range"
  if (method === "sendMediaGroup") {
    if (files.length < 2 || files.length > 10) return "there must be 2 to 10 media"
    const found = new Set(files.map(({ kind }) => kind))
    if (found.size > 1 && (found.has("document") || found.has("audio"))) return "this media type can't be grouped"
  }
  for (const { caption, entities, given, kind, upload } of files) {
    if (given === undefined && upload === undefined) return `there is no ${kind} in the request`
    if (upload?.bytes.length === 0) return "file must be non-empty"
    if (upload && upload.bytes.length > (kind === "photo" ? 10 : 50) * 1_048_576) return "file is too big"
    if (given !== undefined && !isAddress(given) && !known.has(given)) return "wrong file identifier/HTTP URL specified"
    if (codePoints(caption) > 1_024) return "message caption is too long"
    const fault = entityFault(caption, entities)
    if (fault !== undefined) return fault
  }
  for (const { callback_data, url } of buttons.flat()) {
    if (url !== undefined && !isAddress(url)) return "inline keyboard button URL is invalid: Wrong HTTP URL"
    if (callback_data !== undefined && Buffer.byteLength(callback_data) > 64) return "BUTTON_DATA_INVALID"
  }
  return undefined
}

/** The same for the same content sent by the same bot. */
export const fileId = ({ bot }: Received, { given, kind, upload }: ReceivedFile, known: ReadonlySet<string>): string =>
  given !== undefined && known.has(given)
    ? given
    : `${kind}-${createHash("sha256")
        .update(bot)
        .update(given ?? upload?.bytes ?? "")
        .digest("base64url")}`

/** A message as the Bot API answers with it; of an album, the message of one of its files. */
export const messageOf = (id: number, received: Received, file: ReceivedFile | undefined, ofFile: string) => {
  const { at, chatId, entities, location, text } = received
  return {
    message_id: id,
    chat: chatId.startsWith("@")
      ? { id: -1, username: chatId.slice(1), type: "channel" }
      : { id: Number(chatId), type: chatId.startsWith("-") ? "group" : "private" },
    date: Math.floor(at / 1_000),
    ...(file
      ? {
          ...(file.caption === "" ? {} : { caption: file.caption, caption_entities: file.entities }),
          [file.kind]:
            file.kind === "photo" ? [{ file_id: `${ofFile}-small` }, { file_id: ofFile }] : { file_id: ofFile }
        }
      : location
        ? { location }
        : { text, ...(entities.length > 0 ? { entities } : {}) })
  }
}
