// What a bridge adds to a database, and how it is taken away again: the outbox, the bridge's own schema, tracking
// columns, triggers. All in one transaction; may be run again at any time.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import type { Bridge, TrackingColumn } from "./BridgeConfig.ts"
import { BridgeRefused } from "./BridgeRefused.ts"
import { exists } from "./database/Catalogue.ts"
import { name, table } from "./database/Sql.ts"
import { createTriggers, dropTriggers } from "./database/Triggers.ts"
import { userTables } from "./database/UserTables.ts"

const trackingTypes: { readonly [Key in TrackingColumn]: string } = {
  status: "text",
  attempts: "integer",
  lastAttemptAt: "timestamptz",
  sentAt: "timestamptz",
  error: "text",
  messageId: "text",
  priority: "text",
  metadata: "jsonb"
}

const sqlFile = (path: string) => Effect.promise(() => readFile(join(import.meta.dirname, path), "utf8"))
export const outboxSql = sqlFile("../../deploy/postgres/outbox.sql")
const bridgeSql = sqlFile("bridge.sql")

/** `a` with row `b-5` and `a-b` with row `5` would both have message `a-b-5`: looks at either row would fail for ever. */
const requireOwnIds = Effect.fnUntraced(function* (query: Query, { name: bridge }: Bridge) {
  if (!(yield* exists(query, "carillon_bridge.bridges"))) return
  const bridges = yield* query<{ readonly name: string }>("SELECT name FROM carillon_bridge.bridges")
  if (bridges.some(({ name }) => name === bridge)) return
  const like = bridges.find(({ name }) => name.startsWith(`${bridge}-`) || bridge.startsWith(`${name}-`))
  if (!like) return
  return yield* new BridgeRefused({
    problem: `messages of the bridge ${bridge} could have the ids of the bridge ${like.name}: one name may not begin with the other and "-"`
  })
})

/** The statements that are still to be done, for this database as it is. */
const plan = Effect.fnUntraced(function* (query: Query, bridge: Bridge) {
  const on = table(bridge.messages)
  const { types: present } = yield* userTables(query, bridge, false)
  const added = (Object.keys(trackingTypes) as ReadonlyArray<TrackingColumn>)
    .map((key) => ({ column: bridge.tracking[key], type: trackingTypes[key] }))
    .filter(({ column }) => !present.has(column))
  return {
    added: added.map(({ column }) => column),
    statements: [
      yield* outboxSql,
      yield* bridgeSql,
      ...(added.length === 0
        ? []
        : [`ALTER TABLE ${on} ${added.map(({ column, type }) => `ADD COLUMN ${name(column)} ${type}`).join(", ")}`]),
      ...createTriggers(bridge)
    ]
  }
})

/** Rows that changed while no trigger was there to note it are looked at again; those that are gone are noted as such. */
const register = Effect.fnUntraced(function* (query: Query, bridge: Bridge, added: ReadonlyArray<string>) {
  yield* query(
    `INSERT INTO carillon_bridge.bridges AS known (name, added) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET active = true, added = CASE WHEN known.active THEN known.added ELSE '[]' END || excluded.added`,
    [bridge.name, JSON.stringify(added)]
  )
  yield* query(
    `INSERT INTO carillon_bridge.changes (bridge, row_id, gone)
     SELECT t.bridge, t.row_id, NOT EXISTS (
       SELECT FROM ${table(bridge.messages)} m WHERE m.${name(bridge.messages.id)}::text = t.row_id)
     FROM carillon_bridge.tracked t WHERE t.bridge = $1 AND NOT t.gone`,
    [bridge.name]
  )
})

/** What it did, or with `dryRun` would do, as SQL. Waits for no lock longer than five seconds: the application goes on. */
export const migrate = Effect.fn("bridge.migrate")(function* (bridge: Bridge, { dryRun = false } = {}) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      yield* query("SET LOCAL lock_timeout = '5s'")
      yield* query("SET LOCAL client_min_messages = 'warning'")
      yield* requireOwnIds(query, bridge)
      const { added, statements } = yield* plan(query, bridge)
      if (!dryRun) {
        for (const statement of statements) yield* query(statement)
        yield* register(query, bridge, added)
      }
      return { added, statements }
    })
  )
})

export interface Undo {
  /** What becomes of messages that wait: they are sent all the same, or cancelled. */
  readonly waiting?: "keep" | "cancel"
  /** Forgets also what became of the rows: after that the name of this bridge must not be used again. */
  readonly purge?: boolean
  readonly dryRun?: boolean
}

/** Takes away what `migrate` added to the tables. The outbox stays. */
export const undo = Effect.fn("bridge.undo")(function* (
  bridge: Bridge,
  { waiting, purge = false, dryRun = false }: Undo
) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      yield* query("SET LOCAL lock_timeout = '5s'")
      yield* query("SET LOCAL client_min_messages = 'warning'")
      const added = yield* columnsAdded(query, bridge)
      const live = yield* countLive(query, bridge)
      if (live > 0 && waiting === undefined && !dryRun) {
        return yield* new BridgeRefused({
          problem: `${live} messages wait: say --waiting keep to have them sent all the same, or --waiting cancel`
        })
      }
      const drops = added.map((column) => `DROP COLUMN IF EXISTS ${name(column)}`)
      const statements = [
        ...dropTriggers(bridge),
        ...(drops.length === 0 ? [] : [`ALTER TABLE ${table(bridge.messages)} ${drops.join(", ")}`])
      ]
      if (!dryRun) {
        if (waiting === "cancel") yield* cancelAll(query, bridge)
        for (const statement of statements) yield* query(statement)
        yield* purge ? forget(query, bridge) : retire(query, bridge)
      }
      return { live, statements }
    })
  )
})

const columnsAdded = Effect.fnUntraced(function* (query: Query, { name: bridge }: Bridge) {
  const [known] = (yield* exists(query, "carillon_bridge.bridges"))
    ? yield* query<{ readonly added: ReadonlyArray<string> }>(
        "SELECT added FROM carillon_bridge.bridges WHERE name = $1 FOR UPDATE",
        [bridge]
      )
    : []
  if (!known) return yield* new BridgeRefused({ problem: `there is no bridge ${bridge} in this database` })
  return known.added
})

const countLive = (query: Query, { name: bridge }: Bridge) =>
  Effect.map(
    query<{ readonly n: number }>(
      "SELECT count(*) AS n FROM carillon_bridge.tracked WHERE bridge = $1 AND state = 'live'",
      [bridge]
    ),
    ([row]) => row?.n ?? 0
  )

const cancelAll = (query: Query, { name: bridge }: Bridge) =>
  query(
    `WITH ended AS (
       UPDATE carillon_bridge.tracked SET state = 'cancelling', changed_at = now()
       WHERE bridge = $1 AND state = 'live' RETURNING message_id)
     INSERT INTO carillon_outbox.commands (name, message_id, payload)
     SELECT 'cancel', message_id, jsonb_build_object('id', message_id) FROM ended`,
    [bridge]
  )

const retire = (query: Query, { name: bridge }: Bridge) =>
  Effect.andThen(
    query("DELETE FROM carillon_bridge.changes WHERE bridge = $1", [bridge]),
    query("UPDATE carillon_bridge.bridges SET active = false, added = '[]', backfill = NULL WHERE name = $1", [bridge])
  )

const forget = Effect.fnUntraced(function* (query: Query, { name: bridge }: Bridge) {
  for (const kept of ["tracked", "changes"])
    yield* query(`DELETE FROM carillon_bridge.${kept} WHERE bridge = $1`, [bridge])
  yield* query("DELETE FROM carillon_bridge.bridges WHERE name = $1", [bridge])
  yield* query("DELETE FROM carillon_outbox.checkpoints WHERE name = $1", [bridge])
  const [left] = yield* query<{ readonly n: number }>("SELECT count(*) AS n FROM carillon_bridge.bridges")
  if (left?.n === 0) yield* query("DROP SCHEMA carillon_bridge CASCADE")
})
