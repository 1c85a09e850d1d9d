// What Telegram takes: found out when a message is scheduled, so that nothing is refused when it is due.
import type { AlbumItem, Buttons, Content, ContentOf, FileContent, Format, TooLong } from "#shared/contract/Content.ts"
import type { Problem } from "#shared/contract/fields/Fields.ts"
import type { PlatformRules } from "../PlatformRules.ts"
import { type Formatted, fits, isVisible, limits } from "./Formatted.ts"
import { formatted } from "./Formatting.ts"
import { linkUrl } from "./Links.ts"
import { split } from "./Splitting.ts"

/** A message in more parts is a book: nobody wants it in a chat. */
const mostParts = 20

export const telegramRules: PlatformRules = {
  addresses: ["chatId", "contact"],
  contents: ["text", "photo", "document", "audio", "video", "voice", "animation", "album", "location"],
  text: { longest: limits.text, beyond: "parts" },
  // Bots are told neither.
  receipts: [],
  contentProblems: (content) => problemsOf(content),
  settled: (content, tooLong) =>
    content.type === "text" && content.tooLong === undefined && tooLong === "split" && isTooLong(content)
      ? { ...content, tooLong }
      : content
}

/** The messages that a text is sent as, in order. */
export const partsOf = ({ text, format, tooLong }: ContentOf<"text">): ReadonlyArray<Formatted> => {
  const whole = formatted(text, format)
  return tooLong === ("split" satisfies TooLong) ? split(whole) : [whole]
}

export const captionOf = ({
  caption,
  format
}: {
  readonly caption?: string
  readonly format?: Format
}): Formatted | undefined => (caption === undefined ? undefined : formatted(caption, format))

const isTooLong = ({ text, format }: ContentOf<"text">) => !fits(formatted(text, format), limits.text)

const problemsOf = (content: Content): ReadonlyArray<Problem> => {
  switch (content.type) {
    case "text":
      return [...textProblems(content), ...buttonProblems(content.buttons)]
    case "album":
      return [
        ...mixed(content.items),
        ...content.items.flatMap((item, index) => within(`items.${index}.`, fileProblems(item)))
      ]
    case "location":
      return buttonProblems(content.buttons)
    default:
      return [...fileProblems(content), ...buttonProblems(content.buttons)]
  }
}

const within = (prefix: string, problems: ReadonlyArray<Problem>) =>
  problems.map(({ path, problem }) => ({ path: `${prefix}${path}`, problem }))

const blank = "is empty once its markup is read"
const tooManyMarks = `has more than ${limits.entities} places with markup, of which Telegram drops the rest`

const textProblems = (content: ContentOf<"text">): ReadonlyArray<Problem> => {
  const say = (problem: string) => [{ path: "text", problem }]
  const parts = partsOf(content)
  if (!parts.some(({ text }) => isVisible(text))) return say(blank)
  if (parts.length > mostParts) return say(`would take ${parts.length} messages: at most ${mostParts} are sent`)
  if (parts.some(({ text }) => !isVisible(text))) return say("has a blank stretch longer than half a message")
  if (parts.every((part) => fits(part, limits.text))) return []
  return say(
    parts.some(({ entities }) => entities.length > limits.entities)
      ? `${tooManyMarks}: use less, or set tooLong to "split"`
      : `has more than ${limits.text} characters once its markup is read: shorten it, or set tooLong to "split"`
  )
}

const fileProblems = (content: FileContent | AlbumItem): ReadonlyArray<Problem> => {
  const { file, name } = content
  const problems: Array<Problem> = []
  if (file.url !== undefined && linkUrl(file.url) === undefined)
    problems.push({ path: "file.url", problem: "is no address that Telegram can fetch" })
  if (name !== undefined && file.object === undefined)
    problems.push({ path: "name", problem: "is only for an object: other files have theirs" })
  const caption = captionOf(content)
  if (caption && !isVisible(caption.text)) problems.push({ path: "caption", problem: blank })
  else if (caption && caption.entities.length > limits.entities)
    problems.push({ path: "caption", problem: tooManyMarks })
  else if (caption && !fits(caption, limits.caption))
    problems.push({
      path: "caption",
      problem: `has more than ${limits.caption} characters once its markup is read: send the rest as a text`
    })
  return problems
}

/** Documents and audio only with their own kind. */
const mixed = (items: ReadonlyArray<AlbumItem>): ReadonlyArray<Problem> => {
  const types = new Set(items.map(({ type }) => type))
  return types.size > 1 && (types.has("document") || types.has("audio"))
    ? [{ path: "items", problem: "must be photos and videos, or only documents, or only audio" }]
    : []
}

const buttonProblems = (rows: Buttons | undefined): ReadonlyArray<Problem> =>
  (rows ?? []).flatMap((row, rowIndex) =>
    row.flatMap(({ url }, index) =>
      url !== undefined && linkUrl(url) === undefined
        ? [{ path: `buttons.${rowIndex}.${index}.url`, problem: "is no address that Telegram takes" }]
        : []
    )
  )
