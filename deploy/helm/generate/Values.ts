// Reads values.yaml: every key with its default and the comment above it, which is its description.
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml"

export interface Entry {
  readonly path: ReadonlyArray<string>
  readonly description: string
  readonly value: unknown
  /** What is below it; nothing below a list, or below a map whose keys are the user's. */
  readonly entries: ReadonlyArray<Entry>
}

/** Of a comment: from the line that begins with `--` to its end. */
const descriptionOf = (comment: string) => {
  const lines = comment.split("\n").map((line) => line.trim())
  const from = lines.findLastIndex((line) => line.startsWith("-- "))
  return from < 0 ? "" : lines.slice(from).join(" ").slice(3)
}

const commentOf = (map: YAMLMap, pair: Pair, index: number) => {
  const own = (pair.key as { readonly commentBefore?: string }).commentBefore
  return own ?? (index === 0 ? (map.commentBefore ?? "") : "")
}

const entriesOf = (map: YAMLMap, path: ReadonlyArray<string>): ReadonlyArray<Entry> =>
  map.items.map((pair, index) => {
    const key = isScalar(pair.key) ? String(pair.key.value) : ""
    const here = [...path, key]
    const { value } = pair
    const description = descriptionOf(commentOf(map, pair, index))
    const below = isMap(value) && !value.flow ? entriesOf(value, here) : []
    // Keys without a description are no settings of ours, but an example of what may stand there.
    const entries = below.every((entry) => entry.description === "") ? [] : below
    return { path: here, description, value: (value as { toJSON(): unknown } | null)?.toJSON() ?? null, entries }
  })

export const readValues = (text: string): ReadonlyArray<Entry> => {
  const document = parseDocument(text)
  return entriesOf(document.contents as YAMLMap, [])
}

export const allOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> =>
  entries.flatMap((entry) => [entry, ...allOf(entry.entries)])
