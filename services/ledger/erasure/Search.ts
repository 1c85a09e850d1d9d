// Looks through every stream and every table for what is personal of somebody.
import { Effect } from "effect"
import { type Erasing, type Remains, remainsOf } from "#shared/contract/Erasure.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { isOfSeries, streamErasure } from "#shared/nats/layout/StreamErasure.ts"
import { type StreamName, streams } from "#shared/nats/layout/Topology.ts"
import { browse, type Lying } from "#shared/nats/messages/Browse.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"

/** How many, by stream, or by table and column. */
export type Places = Readonly<Record<string, number>>

export interface Hit {
  readonly stream: StreamName
  readonly found: Lying
  readonly remains: Remains
}

export interface Visits<R> {
  /** Every message there is. */
  readonly seen?: (remains: Remains) => void
  /** Those that tell of them, of one page. */
  readonly hits?: (hits: ReadonlyArray<Hit>) => Effect.Effect<void, NatsError, R>
}

export const searchStreams = Effect.fnUntraced(function* <R = never>(erasing: Erasing, visits: Visits<R> = {}) {
  const found: Record<string, number> = {}
  const searched: Record<string, number> = {}
  for (const stream of Object.keys(streams) as ReadonlyArray<StreamName>) {
    yield* browse(stream, ">", (page) =>
      Effect.gen(function* () {
        searched[stream] = (searched[stream] ?? 0) + page.length
        const all = page.map((found): Hit => ({ stream, found, remains: remainsIn(stream, found) }))
        for (const { remains } of all) visits.seen?.(remains)
        const hits = all.filter(({ found, remains }) => streamErasure[stream].tells(remains, erasing, found.subject))
        if (hits.length === 0) return true
        found[stream] = (found[stream] ?? 0) + hits.length
        if (visits.hits) yield* visits.hits(hits)
        return true
      })
    )
  }
  return { found: found as Places, searched: searched as Places }
})

/** Without the id of a series, which is no message's. */
export const remainsIn = (stream: StreamName, found: Lying): Remains => {
  const { id, ...rest } = remainsOf(found.text, found.header("ce-subject"))
  return id === undefined || isOfSeries(stream, found) ? rest : { ...rest, id }
}

interface Column {
  readonly table: string
  readonly column: string
  readonly json: boolean
  /** The column that names the message, if the table has one. */
  readonly owner: string | null
}

/** A shorter text may be any word of ours. */
const tellingLength = 12

export const searchTables = Effect.fnUntraced(function* ({ address, ids, texts }: Erasing) {
  const { query } = yield* Postgres
  const columns = yield* query<Column>(
    `SELECT relname AS table, attname AS column, atttypid IN ('json'::regtype, 'jsonb'::regtype) AS json,
       (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('message_id', 'id') ORDER BY 1 DESC LIMIT 1) AS owner
     FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
     WHERE relnamespace = 'carillon'::regnamespace AND relkind IN ('r', 'p')
       AND atttypid IN ('json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'varchar'::regtype)
     ORDER BY 1, 2`
  )
  const found: Record<string, number> = {}
  for (const { column, json, owner, table } of columns) {
    const values: Array<unknown> = []
    const value = (one: unknown, type: string) => `$${values.push(one)}::${type}`
    const says = (one: string) =>
      json ? `position(to_json(${one})::text IN ${column}::text) > 0` : `${column} = ${one}`
    const conditions = address === undefined ? [] : [says(value(address, "text"))]
    if (owner !== null) {
      const theirs = `${owner} = ANY(${value([...ids], "text[]")})`
      const telling = [...texts].filter(({ length }) => length >= tellingLength)
      conditions.push(
        table === "message_contents"
          ? theirs
          : `${theirs} AND EXISTS (SELECT FROM unnest(${value(telling, "text[]")}) said WHERE ${says("said")})`
      )
    }
    if (conditions.length === 0) continue
    const [row] = yield* query<{ readonly n: number }>(
      `SELECT count(*) AS n FROM carillon.${table} WHERE ${conditions.join(" OR ")}`,
      values
    )
    if (row && row.n > 0) found[`${table}.${column}`] = row.n
  }
  return found as Places
})

export const searchAll = Effect.fnUntraced(function* <R = never>(erasing: Erasing, visits: Visits<R> = {}) {
  const inStreams = yield* searchStreams(erasing, visits)
  return { found: { ...inStreams.found, ...(yield* searchTables(erasing)) } as Places, searched: inStreams.searched }
})
