// The tables as SQL: each column once, and from that the statements that read and write whole batches of rows.

import type { SchemaName } from "./Migrations.ts"
import { rollupTables } from "./RollupTables.ts"
import type { AttemptRow, ContentRow, MessageRow, TimelineRow } from "./Rows.ts"

type Columns<Row> = { readonly [Key in keyof Row]-?: string }

const table = <Row>(name: string, key: ReadonlyArray<keyof Row & string>, columns: Columns<Row>) => {
  const keys = Object.keys(columns) as unknown as ReadonlyArray<keyof Row & string>
  const listed = keys.map(column).join(", ")
  const rows = `json_to_recordset($1::json) AS given(${keys.map((one) => `"${one}" ${columns[one]}`).join(", ")})`
  const insert = (schema: SchemaName) =>
    `INSERT INTO ${schema}.${name} (${listed}) SELECT ${keys.map((one) => `"${one}"`).join(", ")} FROM ${rows}`
  const conflict = `ON CONFLICT (${key.map(column).join(", ")})`
  const changed = keys.filter((one) => !key.includes(one)).map((one) => `${column(one)} = excluded.${column(one)}`)
  return {
    name,
    /** For SELECT: the columns under the names of the row. */
    selected: keys.map((one) => `${column(one)} AS "${one}"`).join(", "),
    /** $1: the rows as JSON. Puts each in place of the one with its key. */
    upsert: (schema: SchemaName) => `${insert(schema)} ${conflict} DO UPDATE SET ${changed.join(", ")}`,
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

export const messages = table<MessageRow>("scheduled_messages", ["id"], {
  id: "text",
  platform: "text",
  sender: "text",
  kind: "text",
  seriesId: "text",
  status: "text",
  dueAt: "timestamptz",
  expiresAt: "timestamptz",
  sentAt: "timestamptz",
  attempts: "integer",
  lastAttemptAt: "timestamptz",
  nextAttemptAt: "timestamptz",
  priority: "text",
  unknownOutcome: "text",
  possibleDuplicate: "boolean",
  costUnits: "integer",
  errorCategory: "text",
  errorDetail: "text",
  metadata: "jsonb",
  redrivenAt: "integer",
  acceptedAt: "timestamptz",
  plannedAt: "timestamptz",
  erasedAt: "timestamptz",
  recordedAt: "timestamptz",
  updatedAt: "timestamptz"
})

export const contents = table<ContentRow>("message_contents", ["messageId"], {
  messageId: "text",
  recipient: "jsonb",
  content: "jsonb",
  rest: "jsonb"
})

export const attempts = table<AttemptRow>("message_delivery_attempts", ["messageId", "attempt"], {
  messageId: "text",
  attempt: "integer",
  platform: "text",
  sender: "text",
  startedAt: "timestamptz",
  endedAt: "timestamptz",
  outcome: "text",
  category: "text",
  reason: "text",
  providerMessageId: "text",
  possibleDuplicate: "boolean"
})

export const timeline = table<TimelineRow>("message_events", ["messageId", "eventId"], {
  eventId: "text",
  messageId: "text",
  type: "text",
  attempt: "integer",
  at: "timestamptz",
  storedAt: "timestamptz",
  sequence: "bigint",
  detail: "jsonb"
})

export const tables = [...[messages, contents, attempts, timeline].map(({ name }) => name), ...rollupTables]
