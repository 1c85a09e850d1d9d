// What Postgres knows of tables.
import { Effect } from "effect"
import type { Query } from "#shared/postgres/Postgres.ts"

export const exists = (query: Query, relation: string) =>
  Effect.map(
    query<{ readonly found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [relation]),
    ([row]) => row?.found === true
  )

/** The types of its columns by their names; none if there is no such table. */
export const columnTypes = Effect.fnUntraced(function* (query: Query, relation: string) {
  const columns = yield* query<{ readonly name: string; readonly type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [relation]
  )
  return new Map(columns.map(({ name, type }) => [name, type]))
})
