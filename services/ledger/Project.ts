// Writes one batch of events into the tables, a handful of statements whatever its size.
import { Effect, Fiber } from "effect"
import { messageId } from "#shared/contract/Events.ts"
import type { Query } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "./Migrations.ts"
import { attemptKey, fold, noRows, type Rows } from "./Projection.ts"
import { addSums, changedSums } from "./RollupTables.ts"
import type { AttemptRow, MessageRow } from "./Rows.ts"
import { attempts, contents, messages, timeline } from "./Tables.ts"
import { type Prepared, prepared, type Recorded } from "./Timeline.ts"

/**
 * Inside the transaction that moved the checkpoint. An event whose id stands in the timeline was projected before:
 * it changes nothing. The sums follow the rows that the others change, in the same transaction.
 */
export const project = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  recorded: ReadonlyArray<Recorded>
) {
  const once = eachOnce(recorded)
  if (once.length === 0) return
  const known = yield* load(query, schema, once)
  const appending = yield* Effect.forkChild(appendToTimeline(query, schema, once), { startImmediately: true })
  // While Postgres is at it: nearly always all of them are new.
  const supposed = written(known, once)
  const fresh = yield* Fiber.join(appending)
  const { sums, tables, erased } = fresh.length === once.length ? supposed : written(known, fresh)
  yield* addSums(query, schema, sums)
  for (const { rows, sql } of tables) if (rows) yield* query(sql(schema), [rows])
  if (erased.length > 0) yield* query(`DELETE FROM ${schema}.message_contents WHERE message_id = ANY($1)`, [erased])
})

const eachOnce = (recorded: ReadonlyArray<Recorded>): ReadonlyArray<Prepared> => {
  const found = new Map<string, Prepared>()
  for (const one of recorded.map(prepared)) if (!found.has(one.eventId)) found.set(one.eventId, one)
  return [...found.values()]
}

/** Those that were not there. */
const appendToTimeline = Effect.fnUntraced(function* (query: Query, schema: SchemaName, once: ReadonlyArray<Prepared>) {
  const [answer] = yield* query<{ readonly added: ReadonlyArray<string> | null }>(timeline.insertNew(schema), [
    `[${once.map(({ json }) => json).join(",")}]`,
    once.length
  ])
  if (!answer?.added) return once
  const added = new Set(answer.added)
  return once.filter(({ eventId }) => added.has(eventId))
})

/** What is to be put into each table, as JSON; nothing where nothing changes. */
const written = (known: Rows, recorded: ReadonlyArray<Recorded>) => {
  const changed = fold(known, recorded)
  const of = (rows: ReadonlyMap<string, object | null>) => {
    const kept = [...rows.values()].filter((row) => row !== null)
    return kept.length === 0 ? undefined : JSON.stringify(kept)
  }
  return {
    sums: changedSums(known.messages, changed.messages),
    tables: [
      { rows: of(changed.messages), sql: messages.upsert },
      { rows: of(changed.attempts), sql: attempts.upsert },
      { rows: of(changed.contents), sql: contents.upsert }
    ],
    erased: [...changed.contents].flatMap(([id, row]) => (row === null ? [id] : []))
  }
}

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
