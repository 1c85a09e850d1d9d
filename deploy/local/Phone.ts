// Draws a message that arrived as a small phone for the terminal. Pure. Shows the text: for sample data only.
import { stripVTControlCharacters } from "node:util"
import type { Received } from "./BotApiMessages.ts"

export interface Arrived extends Pick<Received, "chatId" | "text"> {
  readonly files?: Received["files"]
  readonly location?: Received["location"]
  readonly buttons?: Received["buttons"]
  /** What stands to the right of the chat, for example a time. */
  readonly note?: string
}

/** A box of `width` columns, lines joined with "\n", no line break at the end. */
export const drawPhone = (arrived: Arrived, width = 44): string => {
  const { chatId, note = "" } = arrived
  const inner = width - 4
  const title = cut(`Chat ${plain(chatId)}`, inner - columns(note) - 1)
  const gap = " ".repeat(Math.max(1, inner - columns(title) - columns(note)))
  const rule = "─".repeat(width - 2)
  const lines = [title + gap + note, undefined, ...bodyOf(arrived).flatMap((line) => wrap(plain(line), inner))]
  const body = lines.map((line) =>
    line === undefined ? `├${rule}┤` : `│ ${line}${" ".repeat(inner - columns(line))} │`
  )
  return [`╭${rule}╮`, ...body, `╰${rule}╯`].join("\n")
}

const signs: Readonly<Record<string, string>> = {
  photo: "🌄",
  document: "📄",
  audio: "🎵",
  video: "🎬",
  voice: "🎤",
  animation: "🎈"
}

/** Each file with its caption, a place, the text, and rows of buttons. */
const bodyOf = ({ buttons = [], files = [], location, text }: Arrived): ReadonlyArray<string> => [
  ...files.flatMap(({ caption, given, kind, upload }) => [
    `${signs[kind] ?? ""} ${upload ? `${upload.name} (${upload.bytes.length} bytes)` : given}`,
    ...(caption === "" ? [] : caption.split("\n"))
  ]),
  ...(location ? [`📍 ${location.latitude}, ${location.longitude}`] : []),
  ...(files.length === 0 && text !== "" ? text.split("\n") : []),
  ...buttons.map((row) => row.map(({ text }) => `[ ${text} ]`).join(" "))
]

// What arrives must not be able to move the cursor of whoever looks at it.
const plain = (text: string) => stripVTControlCharacters(text).replace(/\p{Cc}/gu, " ")

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines = [""]
  for (const word of text.split(/(?<= )/).flatMap((word) => pieces(word, width))) {
    const line = lines.at(-1) ?? ""
    if (columns(line + word.trimEnd()) <= width) lines[lines.length - 1] = line + word
    else lines.push(word)
  }
  return lines.map((line) => line.trimEnd())
}

/** A word longer than a line, in parts that fit. */
const pieces = (word: string, width: number): ReadonlyArray<string> => {
  if (columns(word) <= width) return [word]
  const first = cut(word, width)
  return first === "" ? [] : [first, ...pieces(word.slice(first.length), width)]
}

const cut = (text: string, width: number) => {
  let taken = ""
  for (const { segment } of graphemes.segment(text)) {
    if (columns(taken + segment) > width) break
    taken += segment
  }
  return taken
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })
const wide =
  /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303F\uFF01-\uFF60]/u
const columns = (text: string) =>
  Array.from(graphemes.segment(text)).reduce((sum, { segment }) => sum + (wide.test(segment) ? 2 : 1), 0)
