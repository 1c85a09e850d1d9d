// Long text in parts that Telegram takes. Joined they are the text again, to the last blank; the same text always gives
// the same parts, for an interrupted message is resumed at the first that was not sent.
import { type Entity, type Formatted, fits, isPair, lastVisible, limits, nextVisible } from "./Formatted.ts"
import { tidy } from "./Tidy.ts"

export interface Limits {
  /** UTF-16 units: so many are within the limit however Telegram counts. */
  readonly length: number
  readonly entities: number
}

const standard: Limits = { length: limits.text, entities: limits.entities }

/** One part if it fits. */
export const split = (whole: Formatted, most: Limits = standard): ReadonlyArray<Formatted> => {
  if (fits(whole, most.length) && whole.entities.length <= most.entities) return [whole]
  const { text } = whole
  const entities = tidy(text, whole.entities)
  const cuts = new Cuts(text, entities, most)
  const parts: Array<Formatted> = []
  for (let start = 0; start < text.length; ) {
    const end = cuts.after(start)
    parts.push(slice(text, entities, start, end, most))
    start = end
  }
  return parts.length > 0 ? parts : [whole]
}

const slice = (text: string, entities: ReadonlyArray<Entity>, start: number, end: number, most: Limits): Formatted => {
  const part = text.slice(start, end)
  const inside = entities
    .filter(({ offset, length }) => offset < end && offset + length > start)
    .map((entity) => {
      const from = Math.max(entity.offset, start)
      return { ...entity, offset: from - start, length: Math.min(entity.offset + entity.length, end) - from }
    })
  return { text: part, entities: tidy(part, inside).slice(0, most.entities) }
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" })
const words = new Intl.Segmenter("und", { granularity: "word" })

/** How good it is to cut here; 0 is between any two characters. */
const [grapheme, word, sentence, line, paragraph] = [0, 1, 2, 3, 4]

class Cuts {
  readonly #text: string
  readonly #entities: ReadonlyArray<Entity>
  /** Not to be cut if there is a place before them. */
  readonly #whole: ReadonlyArray<Entity>
  readonly #most: Limits
  readonly #graphemes: Intl.Segments
  readonly #lastVisible: number

  constructor(text: string, entities: ReadonlyArray<Entity>, most: Limits) {
    this.#text = text
    this.#entities = entities
    this.#whole = entities.filter(
      ({ type, length }) => (type === "text_link" || type === "code" || type === "pre") && length <= most.length
    )
    this.#most = most
    this.#graphemes = graphemes.segment(text)
    this.#lastVisible = lastVisible(text)
  }

  /** Where the part ends that begins here. */
  after(start: number): number {
    const end = this.#furthest(start)
    if (end === this.#text.length) return end
    const middle = start + Math.floor((end - start) / 2)
    const seen = nextVisible(this.#text, start)
    const visible = (at: number) => seen < at && at <= this.#lastVisible
    const good = (at: number) => visible(at) && !this.#inside(at) && this.#isGrapheme(at)
    const fair = (at: number) => visible(at) && this.#isGrapheme(at)
    return (
      this.#best(middle, end, word, good) ??
      this.#anywhere(middle, end, good) ??
      this.#best(start, middle, word, good) ??
      this.#anywhere(start, middle, good) ??
      this.#best(middle, end, word, fair) ??
      this.#anywhere(start, end, fair) ??
      this.#anywhere(start, end, (at) => this.#isGrapheme(at)) ??
      // A single character that is longer than a message.
      (isPair(this.#text, end - 1) ? (end - 1 > start ? end - 1 : end + 1) : end)
    )
  }

  /** As far as the limits go. A single character with more markup than a message has room for loses some of it. */
  #furthest(start: number): number {
    const end = Math.min(this.#text.length, start + this.#most.length)
    const inside = this.#entities.filter(({ offset, length }) => offset + length > start && offset < end)
    const tooMany = inside[this.#most.entities]
    return tooMany && this.#boundary(tooMany.offset) > start ? Math.min(end, tooMany.offset) : end
  }

  /** The last of the best places of at least this rank after `from` and up to `to`. */
  #best(from: number, to: number, least: number, allowed: (at: number) => boolean): number | undefined {
    let [best, found] = [least - 1, undefined as number | undefined]
    for (let at = to; at > from && best < paragraph; at--) {
      const rank = this.#rank(at)
      if (rank > best && allowed(at)) [best, found] = [rank, at]
    }
    return found
  }

  /** The last place, between words of a script without spaces if there are any. */
  #anywhere(from: number, to: number, allowed: (at: number) => boolean): number | undefined {
    const between = words.segment(this.#text.slice(from, to + 1)).containing(to - from)?.index ?? 0
    if (between > 0 && allowed(from + between)) return from + between
    for (let at = this.#boundary(to); at > from; at = this.#boundary(at - 1)) if (allowed(at)) return at
    return undefined
  }

  #rank(at: number): number {
    const text = this.#text
    if (!/\s/.test(text.charAt(at - 1))) return grapheme
    if (text.charAt(at - 1) === "\n") {
      let before = at - 2
      while (text.charAt(before) === " " || text.charAt(before) === "\t" || text.charAt(before) === "\r") before--
      return text.charAt(before) === "\n" && text.charAt(at) !== "\n" ? paragraph : line
    }
    if (/\s/.test(text.charAt(at))) return grapheme
    return /[.!?…。！？]["'”’»)\]]*\s+$/.test(text.slice(Math.max(0, at - 8), at)) ? sentence : word
  }

  #inside(at: number): boolean {
    return this.#whole.some(({ offset, length }) => offset < at && at < offset + length)
  }

  /** The beginning of the character that is there. */
  #boundary(at: number): number {
    return this.#graphemes.containing(at)?.index ?? at
  }

  #isGrapheme(at: number): boolean {
    return this.#boundary(at) === at
  }
}
