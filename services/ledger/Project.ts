// Writes one batch of events into the tables, a handful of statements whatever its size.
import { Effect } from "effect"
import { messageId } from "#shared/contract/Events.ts"
import type { Query } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "./Migrations.ts"
import { attemptKey, fold, noRows, type Rows } from "./Projection.ts"
import type { AttemptRow, MessageRow } from "./Rows.ts"
import { attempts, contents, messages, timeline } from "./Tables.ts"
import { type Recorded, timelineRow } from "./Timeline.ts"

/**
 * Inside the transaction that moved the checkpoint. An event whose id stands in the timeline was projected before:
 * it changes nothing. What a later table counts or sums, it may do with the events that are left.
 */
export const project = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  recorded: ReadonlyArray<Recorded>
) {
  const fresh = yield* appendToTimeline(query, schema, recorded)
  if (fresh.length === 0) return
  const changed = fold(yield* load(query, schema, fresh), fresh)
  yield* save(query, messages.upsert(schema), changed.messages)
  yield* save(query, attempts.upsert(schema), changed.attempts)
  yield* save(query, contents.upsert(schema), changed.contents)
})

const appendToTimeline = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  recorded: ReadonlyArray<Recorded>
) {
  const rows = new Map<string, { readonly row: ReturnType<typeof timelineRow>; readonly one: Recorded }>()
  for (const one of recorded) {
    const row = timelineRow(one)
    if (!rows.has(row.eventId)) rows.set(row.eventId, { row, one })
  }
  const [answer] = yield* query<{ readonly added: ReadonlyArray<string> | null }>(timeline.insertNew(schema), [
    JSON.stringify(Array.from(rows.values(), ({ row }) => row)),
    rows.size
  ])
  const added = answer?.added ? new Set(answer.added) : rows
  return Array.from(rows.values()).flatMap(({ row, one }) => (added.has(row.eventId) ? [one] : []))
})

const load = Effect.fnUntraced(function* (query: Query, schema: SchemaName, recorded: ReadonlyArray<Recorded>) {
  const ids = [...new Set(recorded.flatMap(({ event }) => messageId(event) ?? []))]
  if (ids.length === 0) return noRows
  const known = yield* query<MessageRow>(
    `SELECT ${messages.selected} FROM ${schema}.${messages.name} WHERE id = ANY($1)`,
    [ids]
  )
  const tried = recorded.flatMap(({ event }) => ("attempt" in event ? [messageId(event)] : []))
  const knownAttempts =
    tried.length === 0
      ? []
      : yield* query<AttemptRow>(
          `SELECT ${attempts.selected} FROM ${schema}.${attempts.name} WHERE message_id = ANY($1)`,
          [[...new Set(tried)]]
        )
  return {
    messages: new Map(known.map((row) => [row.id, row])),
    attempts: new Map(knownAttempts.map((row) => [attemptKey(row.messageId, row.attempt), row])),
    contents: new Map()
  } satisfies Rows
})

const save = (query: Query, sql: string, rows: ReadonlyMap<string, object>) =>
  rows.size === 0 ? Effect.void : query(sql, [JSON.stringify([...rows.values()])])
