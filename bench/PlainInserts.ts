// The floor of the ledger: the rows that come of some events, put into the same tables by plain inserts of arrays.
import { Effect } from "effect"
import type { Event } from "#shared/contract/Events.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "../services/ledger/Migrations.ts"
import { fold, noRows } from "../services/ledger/projection/Projection.ts"
import { timelineRow } from "../services/ledger/projection/Timeline.ts"

const perStatement = 5_000

/** Each row once, as it is in the end; nothing is looked up, changed or decoded. */
export const plainInserts = Effect.fnUntraced(function* (schema: SchemaName, events: ReadonlyArray<Event>) {
  const { query } = yield* Postgres
  const recorded = events.map((event, index) => ({ event, sequence: index + 1, storedAt: event.at }))
  const { messages, attempts, contents } = fold(noRows, recorded)
  const all: ReadonlyArray<readonly [string, ReadonlyArray<object>]> = [
    ["message_events", recorded.map(timelineRow)],
    ["scheduled_messages", [...messages.values()]],
    ["message_delivery_attempts", [...attempts.values()]],
    ["message_contents", [...contents.values()].filter((row) => row !== null)]
  ]
  for (const [table, rows] of all) {
    const types = new Map(
      (yield* query<{ readonly name: string; readonly type: string }>(
        `SELECT attname AS name, format_type(atttypid, null) AS type FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0`,
        [`${schema}.${table}`]
      )).map(({ name, type }) => [name, type])
    )
    const keys = Object.keys(rows[0] ?? {})
    const column = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const sql = `INSERT INTO ${schema}.${table} (${keys.map(column).join(", ")})
      SELECT * FROM unnest(${keys.map((key, index) => `$${index + 1}::${types.get(column(key))}[]`).join(", ")})`
    for (let from = 0; from < rows.length; from += perStatement) {
      const some = rows.slice(from, from + perStatement) as ReadonlyArray<Record<string, unknown>>
      const cell = (value: unknown) => (value !== null && typeof value === "object" ? JSON.stringify(value) : value)
      yield* query(
        sql,
        keys.map((key) => some.map((row) => cell(row[key])))
      )
    }
  }
})
