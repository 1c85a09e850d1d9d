// The flags that say what a message is: text, a file, a place, and how it is shown.
import { readFile } from "node:fs/promises"
import { basename } from "node:path"
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
import type { FileKind } from "#shared/contract/Content.ts"
import { Refused } from "../output/Exit.ts"
import { given, optional } from "./Flags.ts"
import { keepFile } from "./LocalFiles.ts"
import { isNotUtf8, standardInput, textOf } from "./StandardInput.ts"

const fileKinds = [
  "photo",
  "document",
  "audio",
  "video",
  "voice",
  "animation"
] as const satisfies ReadonlyArray<FileKind>

const switchedOn = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

const fileFlag = (kind: FileKind) => optional(kind, "A file here, which is uploaded, or an https:// address")

export const contentFlags = {
  text: optional("text", "What to send; - reads it from standard input"),
  textFile: optional("text-file", "A file with what to send"),
  format: optional("format", "plain, markdown or html: how text and caption are marked up"),
  tooLong: optional("too-long", "split or refuse, when the text is too long for one message"),
  photo: fileFlag("photo"),
  document: fileFlag("document"),
  audio: fileFlag("audio"),
  video: fileFlag("video"),
  voice: fileFlag("voice"),
  animation: fileFlag("animation"),
  caption: optional("caption", "The text below a file"),
  location: optional("location", "A place: LATITUDE,LONGITUDE"),
  button: Flag.String("button").pipe(
    Flag.withDescription('A button below the message, "Text=https://…" or "Text=reply:code"; repeatable, one a row'),
    Flag.atLeast(0)
  ),
  silent: switchedOn("silent", "Delivered without a sound"),
  protect: switchedOn("protect", "Cannot be forwarded or saved"),
  noPreview: switchedOn("no-preview", "No preview of links in the text"),
  topic: Flag.Int("topic").pipe(Flag.withDescription("Into this topic of a group"), Flag.optional),
  replyTo: optional("reply-to", "As a reply to this message, by the id that the platform gave it"),
  contentFile: optional("content-file", "A JSON file with the whole content, for everything else: albums, file ids")
}

interface Given extends Readonly<Record<FileKind, Option.Option<string>>> {
  readonly text: Option.Option<string>
  readonly textFile: Option.Option<string>
  readonly format: Option.Option<string>
  readonly tooLong: Option.Option<string>
  readonly caption: Option.Option<string>
  readonly location: Option.Option<string>
  readonly button: ReadonlyArray<string>
  readonly silent: boolean
  readonly protect: boolean
  readonly noPreview: boolean
  readonly topic: Option.Option<number>
  readonly replyTo: Option.Option<string>
  readonly contentFile: Option.Option<string>
}

export const readJson = (path: string): Effect.Effect<unknown, Refused> =>
  Effect.flatMap(readText(path), (text) =>
    Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => new Refused({ message: `${path} is not JSON` }) })
  )

const readText = (path: string) =>
  Effect.tryPromise({
    try: () => (path === "-" ? standardInput() : readFile(path).then(textOf)),
    catch: (error) => {
      const what = path === "-" ? "standard input" : path
      return new Refused({ message: isNotUtf8(error) ? `${what} is not text in UTF-8` : `cannot read ${what}` })
    }
  })

/** Whether any of these flags is given. */
export const saysContent = (flags: Given) =>
  (Object.keys(contentFlags) as ReadonlyArray<keyof typeof contentFlags>).some((name) => {
    const value: unknown = flags[name]
    return (
      value === true || (Array.isArray(value) && value.length > 0) || (Option.isOption(value) && Option.isSome(value))
    )
  })

/** The content as a command has it. A file here is put into the object store first. Checked by the scheduler. */
export const contentOf = Effect.fnUntraced(function* (flags: Given) {
  const files = fileKinds.flatMap((kind) => {
    const file = flags[kind]
    return Option.isSome(file) ? [{ kind, path: file.value }] : []
  })
  const said =
    [flags.text, flags.textFile, flags.location, flags.contentFile].filter(Option.isSome).length + files.length
  if (said !== 1) {
    return yield* new Refused({
      message: `say what to send: give one of --text, --text-file, ${fileKinds.map((kind) => `--${kind}`).join(", ")}, --location or --content-file`
    })
  }
  const { caption, format, replyTo, tooLong, topic } = flags
  const shown = {
    ...given({ topic, replyTo }),
    ...(flags.silent ? { silent: true } : {}),
    ...(flags.protect ? { protect: true } : {}),
    ...(flags.button.length > 0 ? { buttons: flags.button.map((button) => [buttonOf(button)]) } : {}),
    // Wherever it does not belong, the scheduler says so.
    ...(flags.noPreview ? { linkPreview: false } : {}),
    ...given({ caption, format, tooLong })
  }
  if (Option.isSome(flags.contentFile)) return { ...((yield* readJson(flags.contentFile.value)) as object), ...shown }
  if (Option.isSome(flags.location)) {
    return { type: "location", ...(yield* placeOf(flags.location.value)), ...shown }
  }
  const [file] = files
  if (file) {
    const { kind, path } = file
    if (/^https?:\/\//.test(path)) return { type: kind, file: { url: path }, ...shown }
    return { type: kind, file: { object: yield* keepFile(path) }, name: basename(path), ...shown }
  }
  const text = Option.isSome(flags.text) && flags.text.value !== "-" ? Effect.succeed(flags.text.value) : read(flags)
  return { type: "text", text: yield* text, ...shown }
})

/** Strictly: with decimal commas, or half of it, it would be another place. Whether it is on Earth is for the scheduler. */
export const placeOf = (text: string) => {
  const [, latitude, longitude] = /^([+-]?\d+(?:\.\d+)?), ?([+-]?\d+(?:\.\d+)?)$/.exec(text) ?? []
  return latitude && longitude
    ? Effect.succeed({ latitude: Number(latitude), longitude: Number(longitude) })
    : Effect.fail(new Refused({ message: "--location must be LATITUDE,LONGITUDE: 52.5186,13.4081" }))
}

const read = ({ textFile }: Given) =>
  Effect.map(readText(Option.getOrElse(textFile, () => "-")), (text) => text.replace(/\n$/, ""))

/** Text=https://… or Text=reply:code; what is neither is for the scheduler to refuse. */
const buttonOf = (button: string) => {
  const [, text, target = ""] = /^(.*?)=((?:https?:\/\/|tg:\/\/|reply:).*)$/s.exec(button) ?? [undefined, button]
  return target.startsWith("reply:") ? { text, reply: target.slice("reply:".length) } : { text, url: target }
}
