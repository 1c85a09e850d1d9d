// carillon stats: how it went over hours or days, by platform, sender, kind or category of failure.
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { merged, percentile } from "../../services/ledger/projection/Lateness.ts"
import { figures, type Grain } from "../../services/ledger/projection/Rollups.ts"
import type { Stats } from "../../services/ledger/projection/RollupTables.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { jsonFlag } from "../input/Flags.ts"
import { parseMoment } from "../input/When.ts"
import { Refused } from "../output/Exit.ts"
import { json as printJson, span, table } from "../output/Print.ts"
import { atMost, spark } from "../output/Spark.ts"

const bys = ["platform", "sender", "kind", "category"] as const

const flags = {
  from: Flag.String("from").pipe(
    Flag.withDescription("Due from this instant on, or -7d, -12h from now"),
    Flag.withDefault("-7d")
  ),
  to: Flag.String("to").pipe(
    Flag.withDescription("Due before this instant, or +1d from now; now if left out"),
    Flag.withDefault("+0s")
  ),
  by: Flag.Literals("by", bys).pipe(
    Flag.withDescription("A line for each; category is that of the failure"),
    Flag.withDefault("platform" as const)
  ),
  hourly: Flag.Boolean("hourly").pipe(
    Flag.withDescription("By the hour; as it is up to two days"),
    Flag.withDefault(false)
  ),
  daily: Flag.Boolean("daily").pipe(
    Flag.withDescription("By the day of UTC; as it is beyond two days"),
    Flag.withDefault(false)
  ),
  json: jsonFlag
}

const lengths = { hourly: 3_600_000, daily: 86_400_000 } as const
const widest = 48

/** Every hour or day of the range by its beginning, in milliseconds. */
const bucketsOf = (from: number, to: number, grain: Grain) => {
  const length = lengths[grain]
  const first = Math.floor(from / length) * length
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / length)) }, (_, index) => first + index * length)
}

const together = (some: ReadonlyArray<Stats>): Stats => some.reduce(plus)

const plus = (one: Stats, other: Stats): Stats => ({
  ...one,
  ...(Object.fromEntries(figures.map((figure) => [figure, one[figure] + other[figure]])) as unknown as Stats),
  bucket: one.bucket,
  name: one.name,
  lateness: merged(one.lateness, other.lateness)
})

const nothing = (bucket: number, name: string): Stats => ({
  ...(Object.fromEntries(figures.map((figure) => [figure, 0])) as unknown as Stats),
  bucket: fromMillis(bucket),
  name,
  lateness: []
})

/** One for each hour or day, whether anything was due or not. */
const filled = (rows: ReadonlyArray<Stats>, buckets: ReadonlyArray<number>, name: string) => {
  const byBucket = new Map(rows.map((row) => [toMillis(row.bucket), row]))
  return buckets.map((bucket) => byBucket.get(bucket) ?? nothing(bucket, name))
}

/** Of those that ended otherwise than by being cancelled; nothing if none did. */
const success = ({ sent, failed, expired, unknown }: Stats): number | undefined => {
  const ended = sent + failed + expired + unknown
  return ended === 0 ? undefined : sent / ended
}

/** All but wholly is not a hundred. */
const percent = (share: number | undefined) =>
  share === undefined ? "-" : `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`

const late = (row: Stats, share: number) => {
  const millis = percentile(row.lateness, share)
  return millis === undefined ? "-" : span(millis)
}

const head = (by: string) => [
  ...[by, "due", "sent", "not sent", "open", "success", "late p50", "p95", "p99", "retries", "cost"],
  ...["volume", "p95 over time"]
]

const line = (name: string, over: ReadonlyArray<Stats>): ReadonlyArray<string> => {
  const all = together(over)
  const curve = atMost(widest, over, together)
  const notSent = all.failed + all.expired + all.unknown
  return [
    name,
    ...[all.due, all.sent, notSent, all.due - all.sent - notSent - all.cancelled].map(String),
    percent(success(all)),
    ...[late(all, 0.5), late(all, 0.95), late(all, 0.99)],
    ...[all.retries, all.costUnits].map(String),
    spark(curve.map(({ due }) => due)),
    spark(curve.map(({ lateness }) => percentile(lateness, 0.95)))
  ]
}

const asJson = (row: Stats, by: string) => {
  const { bucket, name, lateness, ...counts } = row
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(lateness, share) ?? null)
  return { bucket, [by]: name || null, ...counts, success: success(row) ?? null, latenessMillis: { p50, p95, p99 } }
}

export const statsCommand = Command.make(
  "stats",
  flags,
  Effect.fnUntraced(function* (given) {
    const { by, hourly, daily, json } = given
    if (hourly && daily) return yield* new Refused({ message: "give --hourly or --daily, not both" })
    const from = toMillis(yield* parseMoment("from", given.from))
    const to = toMillis(yield* parseMoment("to", given.to))
    if (to <= from) return yield* new Refused({ message: "--to must be after --from" })
    const grain = hourly || (!daily && to - from <= 2 * lengths.daily) ? "hourly" : "daily"
    const buckets = bucketsOf(from, to, grain)
    const first = fromMillis(buckets[0] ?? from)
    const reader = yield* Reader
    const rows = yield* reader.stats({ grain, from: first, to: fromMillis(to), by })
    if (json) return yield* Effect.forEach(rows, (row) => printJson(asJson(row, by)), { discard: true })
    const range = `${first.slice(0, 16)}Z to ${fromMillis(to).slice(0, 16)}Z`
    if (rows.length === 0) return yield* Console.log(`nothing was due from ${range}`)
    const names = [...new Set(rows.map(({ name }) => name))].toSorted()
    const lines = names.map((name) =>
      line(
        name || "-",
        filled(
          rows.filter((row) => row.name === name),
          buckets,
          name
        )
      )
    )
    const all = buckets.map((bucket) =>
      rows.filter((row) => toMillis(row.bucket) === bucket).reduce(plus, nothing(bucket, ""))
    )
    yield* Console.log(
      [
        `due from ${range}, ${buckets.length} ${grain === "hourly" ? "hours" : "days of UTC"}`,
        "",
        table(head(by), names.length > 1 ? [...lines, line("all", all)] : lines)
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription(
    "Show how it went: volume, success, lateness (percentiles off by at most a tenth), retries, cost; --json prints a line for each hour or day"
  ),
  Command.withExamples([
    { command: "carillon stats", description: "The last seven days, by platform" },
    { command: "carillon stats --from -24h --by kind", description: "The last day by the hour, for each kind" },
    { command: "carillon stats --from -30d --by category --json", description: "For programs" }
  ])
)
