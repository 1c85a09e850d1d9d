// Reads a file of schedule commands line by line: CSV with the fields' paths as its head, or NDJSON.
import { createReadStream } from "node:fs"
import { pipeline, Readable } from "node:stream"
import { CsvError, parse } from "csv-parse"
import { inUtf8, longestCommand } from "./StandardInput.ts"

export type ImportFormat = "csv" | "ndjson"

export interface ImportRow {
  /** Line of the file on which it ends, from 1. */
  readonly line: number
  /** Nothing if the line cannot be read. */
  readonly command: unknown
  /** Why not, if it is not that it is no JSON. */
  readonly problem?: string
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

/** From some line on nobody can say where a row ends. Says which line, never what stands there. */
export class Unreadable extends Error {}

/** Ended by a line feed alone; none longer than a command is taken into memory, for a file may be none of lines. */
async function* linesOf(input: AsyncIterable<Buffer>) {
  let line = 1
  let pieces: Array<Buffer> = []
  let length = 0
  const add = (piece: Buffer) => {
    length += piece.length
    if (length > longestCommand) throw new Unreadable(`line ${line} is longer than a command can be`)
    pieces.push(piece)
  }
  const take = () => {
    const text = Buffer.concat(pieces).toString()
    pieces = []
    length = 0
    return { line: line++, text }
  }
  for await (const chunk of input) {
    let at = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
      add(chunk.subarray(at, end))
      yield take()
      at = end + 1
    }
    add(chunk.subarray(at))
  }
  yield take()
}

async function* ndjsonRows(input: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> {
  for await (const { line, text } of linesOf(input)) {
    const json = line === 1 ? text.replace(/^\uFEFF/, "") : text
    if (json.trim() !== "") yield { line, command: parseJson(json) }
  }
}

/** The last of two columns would win, and nobody be told. */
const eachOnce = (heads: Array<string>) => {
  const fields = heads.map((head) => aliases[head] ?? head)
  const second = fields.findIndex((field, index) => field !== "" && fields.indexOf(field) < index)
  if (second < 0) return heads
  const first = fields.indexOf(fields[second] ?? "")
  throw new Unreadable(`line 1 names one field twice, in columns ${first + 1} and ${second + 1}`)
}

const otherCells = "has not as many cells as the head: a text with a comma stands in quotes"

async function* csvRows(input: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> {
  // Of the row that is being read: it is what is wrong, wherever the parser notices.
  let line = 1
  const rows = parse({
    columns: (heads: Array<string>) => {
      line = 2
      return eachOnce(heads)
    },
    on_record: (row, { lines }) => {
      line = lines + 1
      return row
    },
    bom: true,
    info: true,
    // Told of the row; the parser would end there.
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: longestCommand
  })
  // Whatever ends it, ends the rows.
  pipeline(Readable.from(input), rows, () => {})
  try {
    for await (const { record, info } of rows) {
      yield info.error === undefined
        ? { line: info.lines, command: fromCells(record) }
        : { line: info.lines, command: undefined, problem: otherCells }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new Unreadable(
      error.code === "CSV_MAX_RECORD_SIZE"
        ? `line ${line} is longer than a command can be: is a quote not closed?`
        : `line ${line} has a quote in the wrong place, or one that is not closed`
    )
  }
}

export const importRows = (path: string | undefined, format: ImportFormat): AsyncGenerator<ImportRow> => {
  const input = inUtf8(path === undefined ? process.stdin : createReadStream(path))
  return format === "csv" ? csvRows(input) : ndjsonRows(input)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
