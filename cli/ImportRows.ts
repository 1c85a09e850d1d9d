// Reads a file of schedule commands line by line: CSV with the fields' paths as its head, or NDJSON.
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import { pipeline, Readable } from "node:stream"
import { parse } from "csv-parse"
import { inUtf8, longestCommand } from "./StandardInput.ts"

export type ImportFormat = "csv" | "ndjson"

export interface ImportRow {
  /** Line of the file on which it ends, from 1. */
  readonly line: number
  /** Not JSON: nothing. */
  readonly command: unknown
}

/** Short heads that people write, and the paths they mean. */
const aliases: Readonly<Record<string, string>> = {
  chatId: "recipient.chatId",
  text: "content.text",
  format: "content.format"
}

/** Empty cells are left out. */
export const fromCells = (cells: Readonly<Record<string, string>>): unknown => {
  const command: Record<string, unknown> = {}
  for (const [head, cell] of Object.entries(cells)) {
    if (cell === "") continue
    const [first = "", ...rest] = (aliases[head] ?? head).split(".")
    const value = first === "maxLatenessSeconds" && cell.trim() !== "" ? Number(cell) : cell
    if (rest.length === 0) command[first] = value
    else command[first] = { ...(command[first] as object | undefined), [rest.join(".")]: value }
  }
  if (command.content) command.content = { type: "text", ...(command.content as object) }
  return { platform: "telegram", ...command }
}

/** What is read, as long as its lines are no longer than that: a file that is none is not taken into memory. */
async function* inLines(input: AsyncIterable<Buffer>) {
  let length = 0
  for await (const chunk of input) {
    let at = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
      if (length + end - at > longestCommand) throw new Error("a line is too long")
      length = 0
      at = end + 1
    }
    length += chunk.length - at
    if (length > longestCommand) throw new Error("a line is too long")
    yield chunk
  }
}

export async function* importRows(path: string | undefined, format: ImportFormat): AsyncGenerator<ImportRow> {
  const input = inUtf8(path === undefined ? process.stdin : createReadStream(path))
  if (format === "csv") {
    const rows = parse({
      columns: true,
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      max_record_size: longestCommand
    })
    // Whatever ends it, ends the rows.
    pipeline(Readable.from(input), rows, () => {})
    for await (const { record, info } of rows) yield { line: info.lines, command: fromCells(record) }
    return
  }
  let line = 0
  for await (const text of createInterface({
    input: Readable.from(inLines(input)),
    crlfDelay: Number.POSITIVE_INFINITY
  })) {
    line++
    if (text.trim() !== "") yield { line, command: parseJson(text) }
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
