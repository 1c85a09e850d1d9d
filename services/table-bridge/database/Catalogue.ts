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

export interface Key {
  readonly hasColumn: boolean
  /** Partitioned too; a view or a foreign table is none. */
  readonly isTable: boolean
  /** By inheritance, not as partitions. */
  readonly hasChildren: boolean
  /** An index holds it to one row for each value, whatever the row is. */
  readonly isUnique: boolean
}

/** What a column is as the key of a table; nothing if there is no such table. */
export const keyOf = Effect.fnUntraced(function* (query: Query, relation: string, column: string) {
  const [found] = yield* query<Key>(
    `SELECT a.attnum IS NOT NULL AS "hasColumn", c.relkind IN ('r', 'p') AS "isTable",
       c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS "hasChildren",
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
         AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS "isUnique"
     FROM pg_class c LEFT JOIN pg_attribute a
       ON a.attrelid = c.oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid = to_regclass($1)`,
    [relation, column]
  )
  return found
})
