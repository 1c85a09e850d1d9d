// What the watchdog asks of the tables, a bounded piece at a time.
import { Effect } from "effect"
import { eventId } from "#shared/contract/CloudEvents.ts"
import type { EventOf } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import type { ContentRow, MessageRow, TimelineRow } from "../projection/Rows.ts"
import { contents, messages, timeline } from "../projection/Tables.ts"
import { type Finding, type Step, steps, type Watched } from "./Overdue.ts"

/** The last message of a piece: the next one begins after it. */
export interface Cursor {
  readonly dueAt: string
  readonly id: string
}

/** Where there is none, the next round begins anew. */
export interface Cursors {
  readonly due?: Cursor | undefined
  readonly waiting?: Cursor | undefined
  readonly processing?: Cursor | undefined
  /** A place in the stream of timers. */
  readonly timers?: number | undefined
}

/** The cursors, if it is this ledger's turn: it keeps its turn until it has not come for three periods. */
export const takeTurn = Effect.fnUntraced(function* (holder: string, periodSeconds: number) {
  const { query } = yield* Postgres
  const [row] = yield* query<{ readonly cursors: Cursors }>(
    `INSERT INTO carillon.watchdog_rounds AS round (name, holder, began_at, cursors) VALUES ('messages', $1, now(), '{}')
     ON CONFLICT (name) DO UPDATE SET holder = $1, began_at = now()
     WHERE round.holder = $1 OR round.began_at < now() - make_interval(secs => $2::double precision)
     RETURNING cursors`,
    [holder, 3 * periodSeconds]
  )
  return row?.cursors
})

export const keepCursors = Effect.fnUntraced(function* (holder: string, cursors: Cursors) {
  const { query } = yield* Postgres
  yield* query("UPDATE carillon.watchdog_rounds SET cursors = $2 WHERE name = 'messages' AND holder = $1", [
    holder,
    JSON.stringify(cursors)
  ])
})

interface Range {
  readonly status: "pending" | "processing"
  /** Milliseconds; from is included, to is not. */
  readonly from?: number
  readonly to?: number
}

/** The next so many of a range by the time they are due, after the cursor; and where the next piece begins, if not anew. */
export const nextPiece = Effect.fnUntraced(function* (
  { status, from, to }: Range,
  cursor: Cursor | undefined,
  limit: number
) {
  const { query } = yield* Postgres
  const values: Array<unknown> = []
  const value = (one: unknown) => `$${values.push(one)}`
  const conditions = [
    `status = ${value(status)}`,
    ...(from === undefined ? [] : [`due_at >= ${value(fromMillis(from))}::timestamptz`]),
    ...(to === undefined ? [] : [`due_at < ${value(fromMillis(to))}::timestamptz`]),
    ...(cursor === undefined ? [] : [`(due_at, id) > (${value(cursor.dueAt)}::timestamptz, ${value(cursor.id)})`])
  ]
  const rows = yield* query<MessageRow>(
    `SELECT ${messages.selected} FROM carillon.scheduled_messages
     WHERE ${conditions.join(" AND ")} ORDER BY due_at, id LIMIT ${value(limit)}`,
    values
  )
  const last = rows.at(-1)
  const next = rows.length === limit && last?.dueAt ? { dueAt: last.dueAt, id: last.id } : undefined
  return { rows: rows as ReadonlyArray<Watched>, next }
})

export const rowsOf = Effect.fnUntraced(function* (ids: ReadonlyArray<MessageId>) {
  if (ids.length === 0) return []
  const { query } = yield* Postgres
  return yield* query<MessageRow>(`SELECT ${messages.selected} FROM carillon.scheduled_messages WHERE id = ANY($1)`, [
    ids
  ])
})

/** The newest step of each. */
export const stepsOf = Effect.fnUntraced(function* (ids: ReadonlyArray<MessageId>) {
  if (ids.length === 0) return new Map<MessageId, Step>()
  const { query } = yield* Postgres
  const rows = yield* query<Step & { readonly id: MessageId }>(
    `SELECT DISTINCT ON (message_id) message_id AS id, type, stored_at AS "storedAt" FROM carillon.message_events
     WHERE message_id = ANY($1) AND type = ANY($2) ORDER BY message_id, stored_at DESC, sequence DESC`,
    [ids, steps]
  )
  return new Map(rows.map((row) => [row.id, row]))
})

/** Sent within this time, with no intent recorded before. */
export const withoutIntent = Effect.fnUntraced(function* (from: number, to: number) {
  const { query } = yield* Postgres
  return yield* query<Omit<Finding, "rule">>(
    `SELECT DISTINCT message_id AS id, platform, ended_at AS since FROM carillon.message_delivery_attempts
     WHERE outcome = 'sent' AND started_at IS NULL AND ended_at >= $1::timestamptz AND ended_at < $2::timestamptz LIMIT 500`,
    [fromMillis(from), fromMillis(to)]
  )
})

/** The ids of those of these events that are recorded already. */
export const recordedAlready = Effect.fnUntraced(function* (events: ReadonlyArray<EventOf<"overdue">>) {
  const { query } = yield* Postgres
  const rows = yield* query<{ readonly id: string }>(
    `SELECT event_id AS id FROM carillon.message_events
     WHERE (message_id, event_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [events.map(({ id }) => id), events.map(eventId)]
  )
  return new Set(rows.map(({ id }) => id))
})

/** All that the tables have of one message. */
export const wholeOf = Effect.fnUntraced(function* (id: MessageId) {
  const { query } = yield* Postgres
  const [row] = yield* rowsOf([id])
  const [content] = yield* query<ContentRow>(
    `SELECT ${contents.selected} FROM carillon.message_contents WHERE message_id = $1`,
    [id]
  )
  const story = yield* query<TimelineRow>(
    `SELECT ${timeline.selected} FROM carillon.message_events WHERE message_id = $1 ORDER BY stored_at, sequence`,
    [id]
  )
  return { row, content, story }
})
