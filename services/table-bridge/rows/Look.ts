// Looks at rows that changed, or whose time has come, and does what follows: what the row asks for is read, decided and
// put into the outbox in one transaction. Two bridges at one row take turns.
import { Effect, Equal } from "effect"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import type { Bridge } from "../BridgeConfig.ts"
import { lockRows, saveRows, type Tracked } from "../database/Tracked.ts"
import type { UserTables } from "../database/UserTables.ts"
import { type Command, decide } from "./Decide.ts"
import { gone, type RawRow, type Sight, sightOf } from "./Sight.ts"

/** A bridge with what was found of it in its database. */
export interface Open {
  readonly bridge: Bridge
  readonly key: string
  readonly tables: UserTables
}

interface Change {
  readonly id: number
  readonly rowId: string | null
  readonly patientId: string | null
  readonly gone: boolean
  readonly at: Instant
}

/** Why a row is looked at. */
export interface Reason {
  readonly at: Instant
  readonly gone: boolean
}

export interface Considered {
  readonly sight: Sight
  readonly before: Tracked
  readonly after: Tracked
}

export const lookBatch = 500

/** Answers with what became of each row. */
export const consider = Effect.fnUntraced(function* (
  query: Query,
  { bridge, key, tables }: Open,
  reasons: ReadonlyMap<string, ReadonlyArray<Reason>>
) {
  const rowIds = [...reasons.keys()]
  const known = yield* lockRows(query, bridge.name, rowIds)
  // After the locks: who changed a row since then has noted a change of its own.
  const rows = yield* query<RawRow>(tables.byIds, [rowIds])
  const present = new Map(rows.map((row) => [row.rowId, row]))
  const now = Date.now()
  const considered: Array<Considered> = []
  const commands: Array<Command> = []
  for (const before of known) {
    const row = present.get(before.rowId)
    const sight = row ? sightOf(bridge, key, row, now) : gone
    const why = reasons.get(before.rowId) ?? []
    const at = why.map((reason) => reason.at).reduce((one, other) => (one < other ? one : other), fromMillis(now))
    const replaced = before.gone || before.renewed || why.some((reason) => reason.gone)
    const { tracked, command, withdrawal } = decide(before, { sight, at, replaced, now }, bridge)
    const after = { ...tracked, patientId: row?.patientId ?? before.patientId }
    considered.push({ sight, before, after })
    for (const one of [withdrawal, command]) if (one) commands.push(one)
  }
  yield* saveRows(
    query,
    bridge.name,
    considered.filter(({ before, after }) => !Equal.equals(before, after)).map(({ after }) => after)
  )
  yield* putIntoOutbox(query, commands)
  return considered
})

const putIntoOutbox = (query: Query, commands: ReadonlyArray<Command>) =>
  commands.length === 0
    ? Effect.void
    : query(
        `INSERT INTO carillon_outbox.commands (name, message_id, payload)
         SELECT name, "messageId", payload FROM json_to_recordset($1::json) AS given(name text, "messageId" text, payload jsonb)`,
        [JSON.stringify(commands)]
      )

const changesOf = (query: Query, { name }: Bridge) =>
  query<Change>(
    `SELECT id, row_id AS "rowId", patient_id AS "patientId", gone, at FROM carillon_bridge.changes
     WHERE bridge = $1 ORDER BY id LIMIT ${lookBatch}`,
    [name]
  )

/** A change of a patient concerns the rows of theirs that may still be sent. */
const rowsOfPatients = Effect.fnUntraced(function* (query: Query, { name }: Bridge, changes: ReadonlyArray<Change>) {
  const patients = new Map(changes.flatMap((change) => (change.patientId === null ? [] : [[change.patientId, change]])))
  if (patients.size === 0) return []
  const rows = yield* query<{ readonly rowId: string; readonly patientId: string }>(
    `SELECT row_id AS "rowId", patient_id AS "patientId" FROM carillon_bridge.tracked
     WHERE bridge = $1 AND patient_id = ANY($2) AND state <> 'over' AND NOT gone`,
    [name, [...patients.keys()]]
  )
  return rows.flatMap(({ rowId, patientId }) => {
    const change = patients.get(patientId)
    return change ? [{ ...change, rowId }] : []
  })
})

/** Whether this is left to do, if it is said. A bridge that was undone does nothing; until the transaction ends it is not. */
export const isThere = (query: Query, { name }: Bridge, work?: string) =>
  Effect.map(
    query(
      `SELECT name FROM carillon_bridge.bridges b WHERE name = $1 AND active
         ${work === undefined ? "" : `AND EXISTS (SELECT FROM carillon_bridge.${work})`} FOR KEY SHARE`,
      [name]
    ),
    (found) => found.length > 0
  )

/** Until the transaction ends: rows that a backfill is taking in are not known yet to whom a patient's change is told. */
export const inTurn = (query: Query, { name }: Bridge) =>
  query("SELECT pg_advisory_xact_lock(hashtext('carillon.bridge.rows'), hashtext($1))", [name])

/**
 * Whether more may wait. One bridge at a time: that a row was deleted must be known before another takes its id. Of one
 * row the changes have their ids in the order in which they committed.
 */
export const lookAtChanges = Effect.fn("bridge.lookAtChanges")(function* (open: Open) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      if (!(yield* isThere(query, open.bridge, "changes c WHERE c.bridge = b.name"))) return false
      const [turn] = yield* query<{ readonly mine: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtext('carillon.bridge'), hashtext($1)) AS mine",
        [open.bridge.name]
      )
      if (!turn?.mine) return false
      yield* inTurn(query, open.bridge)
      const changes = yield* changesOf(query, open.bridge)
      if (changes.length === 0) return false
      const reasons = new Map<string, Array<Reason>>()
      for (const { rowId, at, gone } of [...changes, ...(yield* rowsOfPatients(query, open.bridge, changes))]) {
        if (rowId !== null) reasons.set(rowId, [...(reasons.get(rowId) ?? []), { at, gone }])
      }
      if (reasons.size > 0) yield* consider(query, open, reasons)
      yield* query("DELETE FROM carillon_bridge.changes WHERE id = ANY($1)", [changes.map(({ id }) => id)])
      return changes.length === lookBatch
    })
  )
})

/** Rows whose contact is taken now, because they are soon due. Whether more may wait. */
export const lookAtDue = Effect.fn("bridge.lookAtDue")(function* (open: Open) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      const work = "tracked t WHERE t.bridge = b.name AND t.look_at <= now()"
      if (!(yield* isThere(query, open.bridge, work))) return false
      const due = yield* query<{ readonly rowId: string; readonly changedAt: Instant }>(
        `SELECT row_id AS "rowId", changed_at AS "changedAt" FROM carillon_bridge.tracked
         WHERE bridge = $1 AND look_at <= now() ORDER BY look_at LIMIT ${lookBatch} FOR UPDATE SKIP LOCKED`,
        [open.bridge.name]
      )
      if (due.length === 0) return false
      yield* consider(
        query,
        open,
        new Map(due.map(({ rowId, changedAt }) => [rowId, [{ at: changedAt, gone: false }]]))
      )
      return due.length === lookBatch
    })
  )
})
