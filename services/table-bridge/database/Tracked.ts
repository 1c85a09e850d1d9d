// What the bridge knows of a row, and the statements that read and write it.
import { Effect } from "effect"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import type { Query } from "#shared/postgres/Postgres.ts"

/** See the comments in bridge.sql. */
export type State = "idle" | "live" | "cancelling" | "leaving" | "over"

/** What the application reads in its row: the statuses of messages, and what kept a row from becoming one. */
export type RowStatus =
  | "waiting"
  | "inactive"
  | "no-contact"
  | "invalid"
  | "past"
  | "pending"
  | "processing"
  | "sent"
  | "failed"
  | "expired"
  | "cancelled"
  | "unknown"
  | "rejected"

export interface Tracked {
  readonly rowId: string
  readonly patientId: string | null
  readonly revision: number
  readonly messageId: string | null
  readonly state: State
  readonly accepted: boolean
  readonly identity: string | null
  readonly wish: string | null
  readonly gone: boolean
  readonly renewed: boolean
  readonly changedAt: Instant | null
  readonly lookAt: Instant | null
  readonly status: RowStatus | null
  readonly attempts: number
  readonly lastAttemptAt: Instant | null
  readonly sentAt: Instant | null
  readonly problem: string | null
}

/** Each row has its own, and none is like that of a later revision of another row. */
export const messageIdOf = (bridge: string, rowId: string, revision: number): string | undefined =>
  !/^[A-Za-z0-9_-]{1,85}$/.test(rowId) || /__\d+$/.test(rowId)
    ? undefined
    : `${bridge}-${rowId}${revision === 1 ? "" : `__${revision}`}`

const columns = {
  rowId: "text",
  patientId: "text",
  revision: "integer",
  messageId: "text",
  state: "text",
  accepted: "boolean",
  identity: "text",
  wish: "text",
  gone: "boolean",
  renewed: "boolean",
  changedAt: "timestamptz",
  lookAt: "timestamptz",
  status: "text",
  attempts: "integer",
  lastAttemptAt: "timestamptz",
  sentAt: "timestamptz",
  problem: "text"
} as const satisfies { readonly [Key in keyof Tracked]: string }

const keys = Object.keys(columns) as ReadonlyArray<keyof Tracked>
const column = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const selected = keys.map((key) => `${column(key)} AS "${key}"`).join(", ")

/** Locked until the transaction ends; those that are new begin. In the order of their ids, so that nobody waits in a ring. */
export const lockRows = Effect.fnUntraced(function* (query: Query, bridge: string, rowIds: ReadonlyArray<string>) {
  const sorted = [...new Set(rowIds)].sort()
  yield* query(
    `INSERT INTO carillon_bridge.tracked (bridge, row_id) SELECT $1, unnest($2::text[])
     ON CONFLICT (bridge, row_id) DO NOTHING`,
    [bridge, sorted]
  )
  return yield* query<Tracked>(
    `SELECT ${selected} FROM carillon_bridge.tracked WHERE bridge = $1 AND row_id = ANY($2)
     ORDER BY row_id COLLATE "C" FOR UPDATE`,
    [bridge, sorted]
  )
})

/** Those whose newest message is one of these, locked in the same order. */
export const lockByMessage = (query: Query, bridge: string, messageIds: ReadonlyArray<string>) =>
  query<Tracked>(
    `SELECT ${selected} FROM carillon_bridge.tracked WHERE bridge = $1 AND message_id = ANY($2)
     ORDER BY row_id COLLATE "C" FOR UPDATE`,
    [bridge, messageIds]
  )

const shown = ["status", "attempts", "lastAttemptAt", "sentAt", "problem", "messageId"] as const

/** Rows whose outcome changed by it are to be written back. */
export const saveRows = (query: Query, bridge: string, rows: ReadonlyArray<Tracked>) =>
  rows.length === 0
    ? Effect.void
    : query(
        `UPDATE carillon_bridge.tracked t SET
           ${keys
             .filter((key) => key !== "rowId")
             .map((key) => `${column(key)} = given."${key}"`)
             .join(", ")},
           dirty_since = CASE WHEN (${shown.map((key) => `t.${column(key)}`).join(", ")})
             IS DISTINCT FROM (${shown.map((key) => `given."${key}"`).join(", ")})
             THEN coalesce(t.dirty_since, clock_timestamp()) ELSE t.dirty_since END
         FROM json_to_recordset($2::json) AS given(${keys.map((key) => `"${key}" ${columns[key]}`).join(", ")})
         WHERE t.bridge = $1 AND t.row_id = given."rowId"`,
        [bridge, JSON.stringify(rows)]
      )
