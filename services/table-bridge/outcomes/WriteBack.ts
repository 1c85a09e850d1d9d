// Writes outcomes back into the user's rows. A row that the application holds is left for later: the bridge never waits
// for the application, so the two cannot wait for each other.
import { Effect } from "effect"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { RefusedByPostgres } from "#shared/postgres/PostgresErrors.ts"
import { type Bridge, writtenBack } from "../BridgeConfig.ts"
import { name, table, text } from "../database/Sql.ts"
import type { UserTables } from "../database/UserTables.ts"
import { isThere, type Open } from "../rows/Look.ts"

const writeBatch = 500

interface Outcome {
  readonly rowId: string
  readonly dirtySince: string
  readonly status: string | null
  readonly attempts: number
  readonly lastAttemptAt: string | null
  readonly sentAt: string | null
  readonly error: string | null
  readonly messageId: string | null
}

const dirty = (query: Query, { name: bridge }: Bridge) =>
  query<Outcome>(
    `SELECT row_id AS "rowId", dirty_since AS "dirtySince", status, attempts, last_attempt_at AS "lastAttemptAt",
       sent_at AS "sentAt", problem AS error, message_id AS "messageId"
     FROM carillon_bridge.tracked WHERE bridge = $1 AND dirty_since IS NOT NULL
     ORDER BY dirty_since LIMIT ${writeBatch} FOR UPDATE SKIP LOCKED`,
    [bridge]
  )

/** Whether more may wait. */
export const writeBack = Effect.fn("bridge.writeBack")(function* (open: Open) {
  return yield* writeSome(open, (query, rows) => update(query, open, rows)).pipe(
    // A constraint or trigger of the user's refuses a row: that one is left out, the others are written.
    Effect.catchTag("RefusedByPostgres", () =>
      writeSome(open, (query, rows) => Effect.forEach(rows, (row) => updateOne(query, open, row), { discard: true }))
    )
  )
})

const writeSome = Effect.fnUntraced(function* <E, R>(
  { bridge, tables }: Open,
  write: (query: Query, rows: ReadonlyArray<Outcome>) => Effect.Effect<unknown, E, R>
) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      const work = "tracked t WHERE t.bridge = b.name AND t.dirty_since IS NOT NULL"
      if (!(yield* isThere(query, bridge, work))) return false
      const rows = yield* dirty(query, bridge)
      if (rows.length === 0) return false
      const ids = rows.map(({ rowId }) => rowId)
      const free = yield* lockFree(query, bridge, tables, ids)
      const held = new Set((yield* present(query, bridge, tables, ids)).filter((id) => !free.has(id)))
      yield* write(
        query,
        rows.filter(({ rowId }) => free.has(rowId))
      )
      yield* settle(query, bridge, ids, held)
      return rows.length === writeBatch && held.size === 0
    })
  )
})

const selectIds = ({ messages }: Bridge, { idType }: UserTables) =>
  `SELECT ${name(messages.id)}::text AS id FROM ${table(messages)} WHERE ${name(messages.id)} = ANY($1::text[]::${idType}[])`

const lockFree = (query: Query, bridge: Bridge, tables: UserTables, ids: ReadonlyArray<string>) =>
  Effect.map(
    query<{ readonly id: string }>(`${selectIds(bridge, tables)} FOR NO KEY UPDATE SKIP LOCKED`, [ids]),
    (rows) => new Set(rows.map(({ id }) => id))
  )

const present = (query: Query, bridge: Bridge, tables: UserTables, ids: ReadonlyArray<string>) =>
  Effect.map(query<{ readonly id: string }>(selectIds(bridge, tables), [ids]), (rows) => rows.map(({ id }) => id))

const update = Effect.fnUntraced(function* (query: Query, open: Open, rows: ReadonlyArray<Outcome>) {
  const { bridge, tables } = open
  if (rows.length === 0) return
  const columns = writtenBack.map((key) => written(open, key))
  const update = `UPDATE ${table(bridge.messages)} m SET ${columns.map(({ column, value }) => `${column} = ${value}`).join(", ")}
     FROM json_to_recordset(current_setting('carillon.outcomes')::json)
       AS given("rowId" text, ${columns.map(({ given }) => given).join(", ")})
     WHERE m.${name(bridge.messages.id)} = given."rowId"::${tables.idType}
       AND (${columns.map(({ column }) => `m.${column}::text`).join(", ")})
         IS DISTINCT FROM (${columns.map(({ value }) => `(${value})::text`).join(", ")})`
  yield* query("SELECT set_config('carillon.outcomes', $1, true), set_config('carillon.refused', '', true)", [
    JSON.stringify(rows)
  ])
  yield* query(quietly(update))
  const [found] = yield* query<{ readonly code: string }>("SELECT current_setting('carillon.refused') AS code")
  if (found?.code) return yield* new RefusedByPostgres({ code: found.code })
})

/**
 * What it refuses for a value Postgres writes into its log, with all of the row: its text, and whose it is. Not where it is
 * caught. Statements of this kind take no values beside them.
 */
const quietly = (statement: string) => `DO $carillon$ BEGIN
     ${statement};
   EXCEPTION WHEN data_exception OR integrity_constraint_violation OR with_check_option_violation OR raise_exception THEN
     PERFORM set_config('carillon.refused', SQLSTATE, true);
   END $carillon$`

/** A column that cannot say of which zone its times are has them in the configuration's, in UTC without one. */
const isLocal = (type: string) => type === "date" || /^timestamp(\(\d\))? without/.test(type)

const written = ({ bridge, tables }: Open, key: (typeof writtenBack)[number]) => {
  const column = bridge.tracking[key]
  const type = tables.types.get(column) ?? "text"
  const zone = text(bridge.defaults.timeZone ?? "UTC")
  return isLocal(type)
    ? { column: name(column), given: `"${key}" timestamptz`, value: `(given."${key}" AT TIME ZONE ${zone})::${type}` }
    : { column: name(column), given: `"${key}" ${type}`, value: `given."${key}"` }
}

const updateOne = Effect.fnUntraced(function* (query: Query, open: Open, row: Outcome) {
  yield* query("SAVEPOINT one")
  yield* update(query, open, [row]).pipe(
    Effect.catchTag("RefusedByPostgres", ({ code }) =>
      Effect.andThen(
        query("ROLLBACK TO SAVEPOINT one"),
        Effect.logError(
          `${open.bridge.name}: the outcome of ${row.messageId ?? "a row without a message"} cannot be written: SQLSTATE ${code}`
        )
      )
    )
  )
  yield* query("RELEASE SAVEPOINT one")
})

const settle = (query: Query, { name: bridge }: Bridge, ids: ReadonlyArray<string>, held: ReadonlySet<string>) =>
  query(
    `UPDATE carillon_bridge.tracked SET dirty_since = CASE WHEN row_id = ANY($3) THEN clock_timestamp() END
     WHERE bridge = $1 AND row_id = ANY($2)`,
    [bridge, ids, [...held]]
  )
