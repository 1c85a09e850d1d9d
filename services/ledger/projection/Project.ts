// Writes one batch of events into the tables, a handful of statements whatever its size.
import { Effect, Fiber } from "effect"
import { messageId } from "#shared/contract/Events.ts"
import type { Query, Writing } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "../Migrations.ts"
import { attemptKey, fold, noRows, type Rows } from "./Projection.ts"
import { changes } from "./Rollups.ts"
import { addSums } from "./RollupTables.ts"
import type { AttemptRow, ContentRow, MessageRow } from "./Rows.ts"
import type { Statement, table } from "./Table.ts"
import { attempts, contents, messages, timeline } from "./Tables.ts"
import { type Prepared, prepared, type Recorded } from "./Timeline.ts"

/**
 * Inside the transaction that moved the checkpoint. An event whose id stands in the timeline was projected before:
 * it changes nothing. The sums follow the rows that the others change, in the same transaction.
 * `supposedNew`: not looked up before; if one of them was there after all, Postgres refuses (23505) the whole batch.
 */
export const project = Effect.fnUntraced(function* (
  query: Writing,
  schema: SchemaName,
  recorded: ReadonlyArray<Recorded>,
  supposedNew = false
) {
  const once = eachOnce(recorded)
  const fresh = supposedNew ? once : yield* notThere(query, schema, once)
  if (fresh.length === 0) return
  const known = yield* load(query, schema, fresh)
  const appending = yield* Effect.forkChild(
    query.copy(timeline.copyIn(schema), fresh.map(({ line }) => line).join("")),
    { startImmediately: true }
  )
  // While Postgres is at it.
  const { sums, writes } = written(schema, known, fresh, supposedNew)
  yield* Fiber.join(appending)
  yield* addSums(query, schema, sums)
  for (const write of writes) yield* write(query)
})

const eachOnce = (recorded: ReadonlyArray<Recorded>): ReadonlyArray<Prepared> => {
  const found = new Map<string, Prepared>()
  for (const one of recorded.map(prepared)) if (!found.has(one.eventId)) found.set(one.eventId, one)
  return [...found.values()]
}

/** Each is looked up by itself, in the index: joined, Postgres may choose to read the whole table. */
const notThere = Effect.fnUntraced(function* (query: Query, schema: SchemaName, once: ReadonlyArray<Prepared>) {
  const there = yield* query<{ readonly id: string }>(
    `SELECT id FROM unnest($1::text[], $2::text[]) AS said (message, id)
     WHERE (SELECT true FROM ${schema}.${timeline.name} WHERE message_id = said.message AND event_id = said.id)`,
    [once.map(({ event }) => messageId(event) ?? ""), once.map(({ eventId }) => eventId)]
  )
  const ids = new Set(there.map(({ id }) => id))
  return once.filter(({ eventId }) => !ids.has(eventId))
})

type Write = (query: Writing) => Effect.Effect<unknown, Effect.Error<ReturnType<Writing["copy"]>>>

/** What is to be put into each table; nothing where nothing changes. */
const written = (schema: SchemaName, known: Rows, fresh: ReadonlyArray<Prepared>, supposedNew: boolean) => {
  const changed = fold(known, fresh)
  const added: Array<ContentRow> = []
  const replaced: Array<ContentRow> = []
  for (const [id, row] of changed.contents) {
    // Of a message that was not known there is none, as a rule.
    if (row !== null) (supposedNew && !known.messages.has(id) ? added : replaced).push(row)
  }
  const erased = [...changed.contents].flatMap(([id, row]) => (row === null ? [id] : []))
  return {
    sums: changes(known.messages, changed.messages),
    writes: [
      ...put(schema, messages, known.messages, changed.messages),
      ...put(schema, attempts, known.attempts, changed.attempts),
      // Personal data: never as text, which Postgres might show in a message about it.
      ...(added.length === 0
        ? []
        : [(query: Writing) => query.copy(contents.copyInBinary(schema), contents.binary(added))]),
      ...(replaced.length === 0 ? [] : [send({ sql: contents.upsert(schema), values: [JSON.stringify(replaced)] })]),
      ...(erased.length === 0
        ? []
        : [send({ sql: `DELETE FROM ${schema}.${contents.name} WHERE message_id = ANY($1)`, values: [erased] })])
    ]
  }
}

const send =
  ({ sql, values }: Statement): Write =>
  (query) =>
    query(sql, values)

/** The checkpoint keeps all others from adding rows meanwhile: what was not known is not there. */
const put = <Row extends object>(
  schema: SchemaName,
  into: ReturnType<typeof table<Row>>,
  known: ReadonlyMap<string, Row>,
  changed: ReadonlyMap<string, Row>
): ReadonlyArray<Write> => {
  const lines: Array<string> = []
  const pairs: Array<readonly [Row, Row]> = []
  for (const [key, row] of changed) {
    const before = known.get(key)
    if (before) pairs.push([before, row])
    else lines.push(into.line(row))
  }
  const update = into.update(schema, pairs)
  return [
    ...(lines.length === 0 ? [] : [(query: Writing) => query.copy(into.copyIn(schema), lines.join(""))]),
    ...(update ? [send(update)] : [])
  ]
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
