// Entities as Telegram wants them, made of any entities over any text: inside the text, around whole characters, without
// blank ends, nested or apart but never crossing.
import { type Entity, type Inline, isPair, type Quote, type Style } from "./Formatted.ts"

interface Span {
  readonly entity: Entity
  readonly start: number
  readonly end: number
}

const styles: ReadonlyArray<Style> = ["bold", "italic", "underline", "strikethrough", "spoiler"]
const isQuote = ({ type }: Entity): boolean =>
  type === ("blockquote" satisfies Quote) || type === "expandable_blockquote"
const isCode = ({ type }: Entity): boolean => type === ("code" satisfies Inline) || type === "pre"
const isStyle = ({ type }: Entity): boolean => (styles as ReadonlyArray<string>).includes(type)

/** Sorted: outer before inner. The same entities again come out as they are. */
export const tidy = (text: string, entities: ReadonlyArray<Entity>): ReadonlyArray<Entity> => {
  const spans = beginningWithin(text, entities.map((entity) => trimmed(text, spanOf(text, entity))).filter(notEmpty))
  const solid = keepApart(spans.filter(({ entity }) => !isStyle(entity)).sort(outerFirst))
  const kept = [...solid]
  for (const style of styles) {
    const pieces = joined(spans.filter(({ entity }) => entity.type === style).sort(outerFirst))
    kept.push(...pieces.flatMap((piece) => fitted(text, piece, kept)))
  }
  return kept.sort(outerFirst).map(({ entity, start, end }) => ({ ...entity, offset: start, length: end - start }))
}

const notEmpty = ({ start, end }: Span) => start < end
const crosses = (a: Span, b: Span) => a.start < b.start && b.start < a.end && a.end < b.end

const rank = ({ type }: Entity) => (isQuote({ type } as Entity) ? -1 : (styles as ReadonlyArray<string>).indexOf(type))
const outerFirst = (a: Span, b: Span) => a.start - b.start || b.end - a.end || rank(a.entity) - rank(b.entity)

const spanOf = (text: string, entity: Entity): Span => {
  const within = (at: number) => Math.min(text.length, Math.max(0, at))
  const start = within(entity.offset)
  const end = within(entity.offset + entity.length)
  return {
    entity,
    start: start > 0 && isPair(text, start - 1) ? start - 1 : start,
    end: end > 0 && isPair(text, end - 1) ? end + 1 : end
  }
}

const isSpace = (text: string, at: number) => /\s/.test(text.charAt(at))

/** Code keeps the indent of its first line. */
const trimmed = (text: string, { entity, start, end }: Span): Span => {
  while (end > start && isSpace(text, end - 1)) end--
  while (start < end && (isCode(entity) ? text.charAt(start) === "\n" : isSpace(text, start))) start++
  return { entity, start, end }
}

/** A quote has no blanks at its beginning: code that keeps them there, as its indent, begins with the quote all the same. */
const beginningWithin = (text: string, spans: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const quotes = spans.filter(({ entity }) => isQuote(entity))
  return spans.map((span) => {
    const begins = ({ end, start }: Span) =>
      span.start < start && start < span.end && span.end <= end && text.slice(span.start, start).trim() === ""
    const around = isCode(span.entity) ? quotes.find(begins) : undefined
    return around ? { ...span, start: around.start } : span
  })
}

/** Quotes hold anything but quotes; code and links hold none of each other. The outer one stays, else the earlier. */
const keepApart = (sorted: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const kept: Array<Span> = []
  let quote: Span | undefined
  let inline: Span | undefined
  for (const span of sorted) {
    if (inline && span.start < inline.end) continue
    if (quote && span.start < quote.end && (isQuote(span.entity) || span.end > quote.end)) continue
    if (isQuote(span.entity)) quote = span
    else inline = span
    kept.push(span)
  }
  return kept
}

/** Of one style: what overlaps or touches is one. */
const joined = (sorted: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const found: Array<Span> = []
  for (const span of sorted) {
    const last = found.at(-1)
    if (last && span.start <= last.end) found[found.length - 1] = { ...last, end: Math.max(last.end, span.end) }
    else found.push(span)
  }
  return found
}

/** A style in pieces: none in or around code, none across the border of what stands already. */
const fitted = (text: string, style: Span, standing: ReadonlyArray<Span>): ReadonlyArray<Span> => {
  const near = standing.filter(({ start, end }) => start < style.end && style.start < end)
  const code = near.filter(({ entity }) => isCode(entity))
  const inCode = (piece: Span) => code.some(({ start, end }) => start <= piece.start && piece.start < end)
  return cut(
    style,
    code.flatMap(({ start, end }) => [start, end])
  )
    .filter((piece) => !inCode(piece))
    .flatMap((piece) =>
      cut(
        piece,
        near.flatMap((other) => (crosses(piece, other) ? [other.start] : crosses(other, piece) ? [other.end] : []))
      )
    )
    .map((piece) => trimmed(text, piece))
    .filter(notEmpty)
}

const cut = ({ entity, start, end }: Span, places: ReadonlyArray<number>): ReadonlyArray<Span> => {
  const inside = [...new Set(places)].filter((place) => start < place && place < end).sort((a, b) => a - b)
  const edges = [start, ...inside, end]
  return edges.slice(1).map((to, index) => ({ entity, start: edges[index] as number, end: to }))
}
