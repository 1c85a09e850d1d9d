// Text with its markup as Telegram has it: entities over UTF-16 offsets. Sent like this, markup can never be refused.

export type Style = "bold" | "italic" | "underline" | "strikethrough" | "spoiler"
export type Quote = "blockquote" | "expandable_blockquote"
/** Stand for themselves: neither in nor around one another. */
export type Inline = "code" | "pre" | "text_link"

export interface Entity {
  readonly type: Style | Quote | Inline
  readonly offset: number
  readonly length: number
  /** Of a text_link. */
  readonly url?: string
  /** Of a pre. */
  readonly language?: string
}

export interface Formatted {
  readonly text: string
  readonly entities: ReadonlyArray<Entity>
}

/** Telegram's server counts code points, and reads no more entities than this of one message. */
export const limits = { text: 4_096, caption: 1_024, entities: 100 } as const

export const codePoints = (text: string): number => {
  let count = text.length
  for (let index = 0; index < text.length; index++) if (isPair(text, index)) count--
  return count
}

/** Whether a surrogate pair begins here. */
export const isPair = (text: string, index: number): boolean =>
  (text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00

/** Whether it goes as one message, or as the caption of one. */
export const fits = ({ text, entities }: Formatted, most: number): boolean =>
  entities.length <= limits.entities && (text.length <= most || codePoints(text) <= most)

// Blank to whoever looks: spaces, controls, and what is drawn as nothing (Hangul fillers, a braille pattern of no dots).
const drawn = "[^\\s\\p{C}\\p{Z}\\p{Default_Ignorable_Code_Point}\\u115f\\u1160\\u2800\\u3164\\uffa0]"
const drawnOnce = new RegExp(drawn, "u")
const drawnNext = new RegExp(drawn, "gu")

/** There is something to see: Telegram refuses a message without. */
export const isVisible = (text: string): boolean => drawnOnce.test(text)

/** Where the next visible character is; past the end if there is none. */
export const nextVisible = (text: string, from: number): number => {
  drawnNext.lastIndex = from
  return drawnNext.exec(text)?.index ?? text.length
}

/** Where the last visible character is; -1 if there is none. */
export const lastVisible = (text: string): number => {
  for (let index = text.length - 1; index >= 0; index--) {
    if (index > 0 && isPair(text, index - 1)) index--
    if (drawnOnce.test(String.fromCodePoint(text.codePointAt(index) as number))) return index
  }
  return -1
}
