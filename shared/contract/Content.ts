// What a message can be: text, a file, an album, a place. Shapes and bounds; what a platform takes is in shared/platforms.
import { Schema } from "effect"
import { exactlyOne, notBlank, oneOf, storable, text } from "./fields/Words.ts"

export const Format = oneOf("Format", ["plain", "markdown", "html"], "How the text is marked up; plain if left out")
export type Format = typeof Format.Type

export const TooLong = oneOf(
  "TooLong",
  ["split", "refuse"],
  "Text over the platform's limit: sent in parts, or refused when it is scheduled. Left out: as the scheduler is configured"
)
export type TooLong = typeof TooLong.Type

const webAddress = (pattern: RegExp, message: string) => Schema.String.check(Schema.isPattern(pattern, { message }))

/** Where a file comes from. */
export const FileSource = Schema.Struct({
  url: Schema.optionalKey(
    webAddress(/^https:\/\/[!-~]{1,2000}$/u, "must be an address with https://").annotate({
      description: "The platform fetches it: whoever has the address can"
    })
  ),
  fileId: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[A-Za-z0-9_-]{1,256}$/u, { message: "must be a file id as the platform gave it" })
    ).annotate({ description: "A file that the platform has from this very sender" })
  ),
  object: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/u, { message: "must be 1 to 128 of A-Z a-z 0-9 . _ -" })
    ).annotate({ description: "Its name in the object store `carillon-files`: no personal data" })
  )
})
  .check(exactlyOne(["url", "fileId", "object"]))
  .annotate({ identifier: "FileSource", description: "Where a file comes from: personal data" })
export type FileSource = typeof FileSource.Type

const replyCode = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,40}$/u, { message: "must be 1 to 40 of A-Z a-z 0-9 _ -" })
)

export const Button = Schema.Struct({
  text: text(1, 64).check(notBlank),
  url: Schema.optionalKey(webAddress(/^(https?|tg):\/\/[!-~]{1,2000}$/u, "must begin with https://, http:// or tg://")),
  reply: Schema.optionalKey(replyCode.annotate({ description: "A code of yours that comes back when it is pressed" }))
})
  .check(exactlyOne(["url", "reply"], 1))
  .annotate({ identifier: "Button" })
export type Button = typeof Button.Type

const Buttons = Schema.Array(
  Schema.Array(Button).check(Schema.isBetweenLength(1, 8, { message: "must have 1 to 8 buttons" }))
)
  .check(Schema.isBetweenLength(1, 12, { message: "must have 1 to 12 rows" }))
  .annotate({ identifier: "Buttons", description: "Rows of buttons below the message" })
export type Buttons = typeof Buttons.Type

const presented = {
  silent: Schema.optionalKey(Schema.Boolean.annotate({ description: "Delivered without a sound" })),
  protect: Schema.optionalKey(Schema.Boolean.annotate({ description: "Cannot be forwarded or saved" })),
  topic: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_147_483_647 })).annotate({
      description: "Into this topic of a group that has topics"
    })
  ),
  replyTo: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[1-9][0-9]{0,14}$/u, { message: "must be the id of a message in the same chat, in digits" })
    ).annotate({ description: "As a reply to this message, by the id that the platform gave it" })
  )
}
const withButtons = { ...presented, buttons: Schema.optionalKey(Buttons) }

const captioned = {
  caption: Schema.optionalKey(text(1, 4_096).check(notBlank)),
  format: Schema.optionalKey(Format)
}

const fileName = Schema.String.check(
  Schema.isPattern(/^[^\p{Cc}\u2028\u2029"*/:;<>?\\|]{1,100}$/u, {
    message: 'must be a file name of at most 100 characters, without " * / : ; < > ? \\ |'
  }),
  storable,
  notBlank
)

const filed = <const Type extends string>(type: Type) => ({
  type: Schema.Literal(type),
  file: FileSource,
  name: Schema.optionalKey(fileName.annotate({ description: "What the recipient sees an object called" })),
  ...captioned
})

const file = <const Type extends string>(type: Type) => Schema.Struct({ ...filed(type), ...withButtons })
const item = <const Type extends string>(type: Type) => Schema.Struct(filed(type))

export const AlbumItem = Schema.Union([item("photo"), item("video"), item("document"), item("audio")]).annotate({
  identifier: "AlbumItem",
  message: "must have the type photo, video, document or audio"
})
export type AlbumItem = typeof AlbumItem.Type

const degrees = (most: number) => Schema.Finite.check(Schema.isBetween({ minimum: -most, maximum: most }))

const kinds = {
  text: Schema.Struct({
    type: Schema.Literal("text"),
    text: text(1, 32_768).check(notBlank),
    format: Schema.optionalKey(Format),
    tooLong: Schema.optionalKey(TooLong),
    linkPreview: Schema.optionalKey(Schema.Boolean.annotate({ description: "The platform's own choice if left out" })),
    ...withButtons
  }),
  photo: file("photo"),
  document: file("document"),
  audio: file("audio"),
  video: file("video"),
  voice: file("voice"),
  animation: file("animation"),
  album: Schema.Struct({
    type: Schema.Literal("album"),
    items: Schema.Array(AlbumItem).check(Schema.isBetweenLength(2, 10, { message: "must have 2 to 10 items" })),
    ...presented
  }),
  location: Schema.Struct({
    type: Schema.Literal("location"),
    latitude: degrees(90),
    longitude: degrees(180),
    ...withButtons
  })
}

export const Content = Schema.Union(Object.values(kinds) as (typeof kinds)[keyof typeof kinds][]).annotate({
  identifier: "Content",
  description: "What is sent: personal data",
  message: "must have a type: text, photo, document, audio, video, voice, animation, album or location"
})
export type Content = typeof Content.Type
export type ContentOf<Type extends Content["type"]> = Extract<Content, { readonly type: Type }>

/** One that is a single file. */
export type FileContent = Extract<Content, { readonly file: FileSource }>
export type FileKind = FileContent["type"]
