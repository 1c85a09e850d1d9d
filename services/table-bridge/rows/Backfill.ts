// Takes in the rows that stood before the bridge: in the order of their ids, in batches, each with the place where the
// next begins; in the end those that are gone are noted. Safe while the application writes and bridges run: a row is
// looked at as after any change.
import { Effect, Result } from "effect"
import { fromMillis, parseInstant, toMillis } from "#shared/contract/fields/Instants.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { exists } from "../database/Catalogue.ts"
import { name, table } from "../database/Sql.ts"
import { messageIdOf } from "../database/Tracked.ts"
import { consider, inTurn, isThere, type Open } from "./Look.ts"
import { type RawRow, type Sight, sightOf } from "./Sight.ts"

/** What rows came to. `known`: the bridge had taken them in before. */
export interface Counts {
  readonly read: number
  readonly scheduled: number
  readonly waiting: number
  readonly past: number
  readonly inactive: number
  readonly noContact: number
  readonly invalid: number
  readonly known: number
}
type Kind = Exclude<keyof Counts, "read">

const none: Counts = { read: 0, scheduled: 0, waiting: 0, past: 0, inactive: 0, noContact: 0, invalid: 0, known: 0 }

/** Of a row that cannot be sent: never its text, name or address. */
export interface Finding {
  readonly row: string
  readonly problem: string
}

export interface Progress {
  readonly counts: Counts
  /** Of this batch. */
  readonly findings: ReadonlyArray<Finding>
  /** As Postgres estimates it. */
  readonly total: number
}

export interface Options {
  readonly dryRun?: boolean
  readonly batchSize?: number
  /** Forgets where an earlier backfill was interrupted. */
  readonly fromStart?: boolean
  /** Neither goes on where one was interrupted nor notes how far it is. */
  readonly apart?: boolean
  readonly onProgress: (progress: Progress) => Effect.Effect<void>
}

interface Place {
  readonly after: string | null
  readonly counts: Counts
}

/** What a row that is new to the bridge would come to. */
const kindOf = ({ bridge }: Open, row: RawRow, sight: Sight, now: number): Kind => {
  switch (sight._tag) {
    case "Gone":
    case "Off":
      return "inactive"
    case "NoContact":
      return "noContact"
    case "Invalid":
      return "invalid"
    case "Wanted": {
      const due = toMillis(sight.dueAt)
      if (due <= now) return "past"
      if (messageIdOf(bridge.name, row.rowId, 1) === undefined) return "invalid"
      return bridge.contact === "due" && due - bridge.horizonSeconds * 1_000 > now ? "waiting" : "scheduled"
    }
  }
}

interface Judged {
  readonly row: RawRow
  readonly sight: Sight
  readonly kind: Kind
}

/** Rows of the past are history: what is wrong with them is nobody's concern. */
const isPast = ({ due, zone }: RawRow, now: number) => {
  if (due === null) return false
  const at = (zone?: string) => parseInstant(due, zone)
  // Where it is not known whose time it is: past everywhere.
  const last = due.endsWith("Z") ? at() : Result.orElse(at(zone ?? undefined), () => at("Etc/GMT+12"))
  return Result.isSuccess(last) && last.success <= now
}

const judge = Effect.fnUntraced(function* (query: Query, open: Open, rows: ReadonlyArray<RawRow>, now: number) {
  const tracking = yield* exists(query, "carillon_bridge.tracked")
  const known = new Set(
    (!tracking
      ? []
      : yield* query<{ readonly rowId: string }>(
          `SELECT row_id AS "rowId" FROM carillon_bridge.tracked WHERE bridge = $1 AND row_id = ANY($2)`,
          [open.bridge.name, rows.map(({ rowId }) => rowId)]
        )
    ).map(({ rowId }) => rowId)
  )
  return rows.map((row): Judged => {
    const sight = sightOf(open.bridge, open.key, row, now)
    const kind = kindOf(open, row, sight, now)
    if (known.has(row.rowId)) return { row, sight, kind: "known" }
    return { row, sight, kind: kind !== "scheduled" && kind !== "waiting" && isPast(row, now) ? "past" : kind }
  })
})

const findingsOf = (judged: ReadonlyArray<Judged>): ReadonlyArray<Finding> =>
  judged.flatMap(({ row, sight, kind }) => {
    if (kind !== "noContact" && kind !== "invalid") return []
    return [{ row: row.rowId, problem: "problem" in sight ? sight.problem : "its id cannot be part of a message id" }]
  })

const add = (counts: Counts, judged: ReadonlyArray<Judged>): Counts => {
  const sum: Record<keyof Counts, number> = { ...counts, read: counts.read + judged.length }
  for (const { kind } of judged) sum[kind]++
  return sum
}

/** Known rows too: what changed while the bridge was undone is made up for. */
const toConsider = (judged: ReadonlyArray<Judged>) => judged.filter(({ kind }) => kind !== "past")

const begin = Effect.fnUntraced(function* (query: Query, { bridge }: Open) {
  const [found] = yield* query<{ readonly backfill: Place | null }>(
    "SELECT backfill FROM carillon_bridge.bridges WHERE name = $1 FOR NO KEY UPDATE",
    [bridge.name]
  )
  return found?.backfill ?? { after: null, counts: none }
})

const remember = (query: Query, { bridge }: Open, place: Place | null) =>
  query("UPDATE carillon_bridge.bridges SET backfill = $2 WHERE name = $1", [
    bridge.name,
    place === null ? null : JSON.stringify(place)
  ])

const reasonsOf = (judged: ReadonlyArray<Judged>, now: number) =>
  new Map(toConsider(judged).map(({ row }) => [row.rowId, [{ at: fromMillis(now), gone: false }]]))

/** One batch, and where the next one begins; nothing when there are no more rows, or the bridge was undone. */
const step = Effect.fn("bridge.backfill")(function* (
  open: Open,
  at: Place,
  { dryRun = false, apart = dryRun, batchSize = 1_000 }: Options
) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      if (!dryRun) {
        if (!(yield* isThere(query, open.bridge))) return { place: at, findings: [], done: true }
        yield* inTurn(query, open.bridge)
      }
      // Another backfill may have gone on since: it is joined where it is.
      const { after, counts } = apart ? at : yield* begin(query, open)
      const rows = yield* query<RawRow>(open.tables.after, [after, batchSize])
      const now = Date.now()
      const judged = yield* judge(query, open, rows, now)
      if (!dryRun && judged.length > 0) yield* consider(query, open, reasonsOf(judged, now))
      const place: Place = { after: rows.at(-1)?.rowId ?? after, counts: add(counts, judged) }
      if (!apart) yield* remember(query, open, rows.length === 0 ? null : place)
      return { place, findings: findingsOf(judged), done: rows.length === 0 }
    })
  )
})

/** Rows that are gone without a trigger having noted it, a page of those that are known. Answers where the next one begins. */
const noteGone = Effect.fn("bridge.noteGone")(function* ({ bridge, tables }: Open, after: string) {
  const { query } = yield* Postgres
  const [page] = yield* query<{ readonly last: string | null }>(
    `WITH active AS (SELECT name FROM carillon_bridge.bridges WHERE name = $1 AND active FOR KEY SHARE),
     page AS (
       SELECT row_id FROM carillon_bridge.tracked JOIN active ON bridge = name WHERE NOT gone AND row_id > $2
       ORDER BY row_id LIMIT 1000),
     noted AS (
       INSERT INTO carillon_bridge.changes (bridge, row_id, gone) SELECT $1, row_id, true FROM page WHERE NOT EXISTS (
         SELECT FROM ${table(bridge.messages)} m WHERE m.${name(bridge.messages.id)} = page.row_id::${tables.idType}))
     SELECT max(row_id) AS last FROM page`,
    [bridge.name, after]
  )
  return page?.last ?? undefined
})

/** Goes on where an earlier one was interrupted; then its counts go on too. */
export const backfill = Effect.fnUntraced(function* (open: Open, options: Options) {
  const { query } = yield* Postgres
  if (options.fromStart && !options.dryRun) yield* remember(query, open, null)
  const [estimate] = yield* query<{ readonly total: number }>(
    "SELECT greatest(reltuples, 0)::bigint AS total FROM pg_class WHERE oid = $1::regclass",
    [table(open.bridge.messages)]
  )
  let place: Place = { after: null, counts: none }
  while (true) {
    const taken = yield* step(open, place, options)
    place = taken.place
    yield* options.onProgress({ counts: place.counts, findings: taken.findings, total: estimate?.total ?? 0 })
    if (taken.done) break
  }
  if (!options.dryRun) {
    let last: string | undefined = ""
    while (last !== undefined) last = yield* noteGone(open, last)
  }
  return place.counts
})
