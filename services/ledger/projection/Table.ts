// One table as SQL and as text: each column once, and from that what reads and writes whole batches of its rows.
import type { SchemaName } from "../Migrations.ts"
import { binaryCell, binaryRows } from "./BinaryRows.ts"

type Columns<Row> = { readonly [Key in keyof Row]-?: string }

export interface Statement {
  readonly sql: string
  readonly values: ReadonlyArray<unknown>
}

export const table = <Row extends object>(
  name: string,
  key: ReadonlyArray<keyof Row & string>,
  columns: Columns<Row>
) => {
  const keys = Object.keys(columns) as unknown as ReadonlyArray<keyof Row & string>
  const listed = keys.map(column).join(", ")
  const rows = `json_to_recordset($1::json) AS given(${keys.map((one) => `"${one}" ${columns[one]}`).join(", ")})`
  const insert = (schema: SchemaName) =>
    `INSERT INTO ${schema}.${name} (${listed}) SELECT ${keys.map((one) => `"${one}"`).join(", ")} FROM ${rows}`
  const conflict = `ON CONFLICT (${key.map(column).join(", ")})`
  const cells = keys.map((one) => [one, cellOf(columns[one])] as const)
  const others = keys.filter((one) => !key.includes(one))
  const assigned = (changed: ReadonlyArray<string>, from: (key: string) => string) =>
    changed.map((one) => `${column(one)} = ${from(one)}`).join(", ")
  return {
    name,
    /** For SELECT: the columns under the names of the row. */
    selected: keys.map((one) => `${column(one)} AS "${one}"`).join(", "),
    /** Takes lines. The cheapest way in by far, and only for rows that are not there. */
    copyIn: (schema: SchemaName) => `COPY ${schema}.${name} (${listed}) FROM STDIN`,
    line: (row: Row) => {
      let line = ""
      for (const [key, cell] of cells) line += line === "" ? cell(row[key]) : `\t${cell(row[key])}`
      return `${line}\n`
    },
    /** The same in the binary format, whose rows Postgres never shows in what it says of them. For text and JSON only. */
    copyInBinary: (schema: SchemaName) => `COPY ${schema}.${name} (${listed}) FROM STDIN (FORMAT binary)`,
    binary: (rows: ReadonlyArray<Row>) =>
      binaryRows(rows.map((row) => keys.map((one) => binaryCell(columns[one], row[one])))),
    /** Of rows that are there: no column but those in which one of them differs. Nothing when none does. */
    update: (schema: SchemaName, pairs: ReadonlyArray<readonly [before: Row, after: Row]>): Statement | undefined => {
      const changed = others.filter((one) => pairs.some(([before, after]) => before[one] !== after[one]))
      if (changed.length === 0) return undefined
      const given = [...key, ...changed]
      return {
        sql: `UPDATE ${schema}.${name} AS known SET ${assigned(changed, (one) => `given."${one}"`)}
          FROM unnest(${given.map((one, index) => `$${index + 1}::${columns[one]}[]`).join(", ")})
            AS given(${given.map((one) => `"${one}"`).join(", ")})
          WHERE ${key.map((one) => `known.${column(one)} = given."${one}"`).join(" AND ")}`,
        values: given.map((one) => pairs.map(([, after]) => element(after[one])))
      }
    },
    /** $1: the rows as JSON. Puts each in place of the one with its key. */
    upsert: (schema: SchemaName) =>
      `${insert(schema)} ${conflict} DO UPDATE SET ${assigned(others, (one) => `excluded.${column(one)}`)}`,
    /**
     * $1: the rows as JSON, $2: how many. Leaves what stands. Answers with one row: `added` is null when all were new,
     * as they mostly are, else the last column of the keys of those that were.
     */
    insertNew: (schema: SchemaName) =>
      `WITH added AS (${insert(schema)} ${conflict} DO NOTHING RETURNING ${column(key.at(-1) ?? "")} AS key)
       SELECT CASE WHEN count(*) < $2 THEN coalesce(json_agg(key), '[]') END AS added FROM added`,
    /** Rows of one schema into the other; for some columns something else than what stands there. */
    copy: (from: SchemaName, to: SchemaName, where: string, instead: Partial<Columns<Row>> = {}) =>
      `INSERT INTO ${to}.${name} (${listed})
       SELECT ${keys.map((one) => instead[one] ?? column(one)).join(", ")} FROM ${from}.${name} WHERE ${where}`
  }
}

const column = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const element = (value: unknown) => (typeof value === "object" && value !== null ? JSON.stringify(value) : value)

/** As COPY reads it: between tabs, with what would end a cell or a line spelled out. Of other types nothing can. */
const cellOf = (type: string) =>
  type === "text" || type === "jsonb"
    ? (value: unknown) => (value === null ? "\\N" : spellOut(String(element(value))))
    : (value: unknown) => (value === null ? "\\N" : String(value))

const spellOut = (text: string) =>
  special.test(text) ? text.replaceAll(/[\\\t\n\r]/g, (one) => spelled[one] ?? one) : text

const special = /[\\\t\n\r]/
const spelled: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" }
