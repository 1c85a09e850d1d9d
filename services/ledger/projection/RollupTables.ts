// The sums by hour and day as SQL: added to with every batch, made anew with a rebuild, read for trends.
import { Effect } from "effect"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import type { Query } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "../Migrations.ts"
import { type changes, figures, type Grain, keys, type RollupRow } from "./Rollups.ts"

const grains = ["hourly", "daily"] as const
const units = { hourly: "hour", daily: "day" } as const
const nameOf = (grain: Grain) => `message_rollups_${grain}`
export const rollupTables = grains.map(nameOf)

const column = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const named = (list: ReadonlyArray<string>) => list.map(column).join(", ")
const columns = named([...keys, ...figures, "lateness"])
const summed = [
  ...figures.map((one) => `sum(${column(one)})::integer AS ${column(one)}`),
  "carillon.sum_counts(lateness) AS lateness"
].join(", ")

const typeOf = (key: string) =>
  key === "bucket" ? "timestamptz" : (keys as ReadonlyArray<string>).includes(key) ? "text" : "integer"

const addition = (schema: SchemaName, grain: Grain) => {
  const all = [...keys, ...figures]
  const given = [...all.map((key) => `"${key}" ${typeOf(key)}`), '"lateness" integer[]'].join(", ")
  const changed = [
    ...figures.map((key) => `${column(key)} = sums.${column(key)} + excluded.${column(key)}`),
    "lateness = carillon.add_counts(sums.lateness, excluded.lateness)"
  ]
  return `INSERT INTO ${schema}.${nameOf(grain)} AS sums (${columns})
    SELECT ${[...all, "lateness"].map((key) => `"${key}"`).join(", ")} FROM json_to_recordset($1::json) AS given(${given})
    ON CONFLICT (${named(keys)}) DO UPDATE SET ${changed.join(", ")}`
}

/** In the transaction that changes the messages. */
export const addSums = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  sums: ReturnType<typeof changes>
) {
  for (const grain of grains) {
    const rows = sums[grain]
    if (rows.length === 0) continue
    yield* query(addition(schema, grain), [JSON.stringify(rows)])
    // Where nothing is left there is no row.
    if (!rows.some(({ due }) => due < 0)) continue
    yield* query(`DELETE FROM ${schema}.${nameOf(grain)} WHERE due = 0 AND bucket = ANY($1::timestamptz[])`, [
      [...new Set(rows.map(({ bucket }) => bucket))]
    ])
  }
})

/** The sums of the messages that there are, by their rows alone: what Rollups.ts says, in SQL. */
export const recomputed = (schema: SchemaName, grain: Grain, where = "true", sign: 1 | -1 = 1) =>
  `SELECT ${named(keys)}, ${sign} * count(*) AS due, ${sign} * count(*) FILTER (WHERE arrived) AS sent,
     ${["failed", "expired", "unknown", "cancelled"].map((status) => `${sign} * count(*) FILTER (WHERE status = '${status}') AS ${status}`).join(", ")},
     ${sign} * sum(greatest(attempts - 1, 0)) AS retries, ${sign} * count(*) FILTER (WHERE possible_duplicate) AS possible_duplicates,
     ${sign} * sum(cost_units) AS cost_units,
     ARRAY(
       SELECT ${sign} * count(late)::integer FROM generate_series(0, max(place)) AS each (number)
       LEFT JOIN unnest(array_agg(place)) AS late ON late = number GROUP BY number ORDER BY number
     ) AS lateness
   FROM (
     SELECT *, CASE WHEN arrived THEN
       width_bucket((extract(epoch FROM sent_at - due_at) * 1000)::bigint, carillon.lateness_bounds()) END AS place
     FROM (
       SELECT due_at, sent_at, status, attempts, possible_duplicate, cost_units, status IN ('sent', 'delivered', 'read') AS arrived,
         date_trunc('${units[grain]}', due_at, 'UTC') AS bucket, coalesce(platform, '') AS platform,
         coalesce(sender, '') AS sender, coalesce(kind, '') AS kind, coalesce(error_category, '') AS category
       FROM ${schema}.scheduled_messages WHERE due_at IS NOT NULL AND ${where}
     ) messages
   ) placed GROUP BY ${named(keys)}`

/**
 * Of hours before the log begins, the sums of messages whose records are gone: what the sums hold beyond the rows that
 * stand. With them come the rows that were taken over; what the log tells adds itself.
 */
export const keepSums = Effect.fnUntraced(function* (query: Query, logBegins: Instant | "infinity") {
  const hour = "date_trunc('hour', $1::timestamptz, 'UTC')"
  const day = "date_trunc('day', $1::timestamptz, 'UTC')"
  const thatDay = `bucket >= ${day} AND bucket < ${hour}`
  const kept: { readonly [Key in Grain]: ReadonlyArray<string> } = {
    hourly: [
      `SELECT ${columns} FROM carillon.${nameOf("hourly")} WHERE bucket < ${hour}`,
      recomputed("carillon", "hourly", `due_at < ${hour}`, -1),
      recomputed("carillon_rebuild", "hourly")
    ],
    daily: [
      `SELECT ${columns} FROM carillon.${nameOf("daily")} WHERE bucket < ${day}`,
      `SELECT ${day}, ${columns.replace("bucket, ", "")} FROM carillon.${nameOf("hourly")} WHERE ${thatDay}`,
      recomputed("carillon", "daily", `due_at < ${hour}`, -1),
      recomputed("carillon_rebuild", "daily")
    ]
  }
  for (const grain of grains)
    yield* query(
      `INSERT INTO carillon_rebuild.${nameOf(grain)} (${columns})
       SELECT ${named(keys)}, ${summed} FROM (${kept[grain].join(" UNION ALL ")}) parts
       GROUP BY ${named(keys)} HAVING sum(due) <> 0`,
      [logBegins]
    )
})

export interface StatsFilter {
  readonly grain: Grain
  /** Instants; buckets that begin from then on, and before. */
  readonly from: string
  readonly to: string
  /** One sum for each; one for all if left out. */
  readonly by?: Exclude<(typeof keys)[number], "bucket"> | undefined
}

export type Stats = Omit<RollupRow, "platform" | "sender" | "kind" | "category"> & { readonly name: string }

/** In the order of time. */
export const readStats = (query: Query, { grain, from, to, by }: StatsFilter) =>
  query<Stats>(
    `SELECT bucket, ${by ?? "''"} AS name, ${summed.replace(/AS (\w+_\w+)/g, (_, name: string) => `AS "${camel(name)}"`)}
     FROM carillon.${nameOf(grain)} WHERE bucket >= $1::timestamptz AND bucket < $2::timestamptz
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [from, to]
  )

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
