// What a message counts for in the sums by hour and day, and what a batch changes of them. A message counts as its row says
// it is by now: when the row changes, what it counted for is taken back. Pure.
import type { Instant } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { bucketOf } from "./Lateness.ts"
import type { MessageRow, Status } from "./Rows.ts"

export type Grain = "hourly" | "daily"

/** Of one hour or day. What is not known is empty. */
export interface RollupRow {
  readonly bucket: Instant
  readonly platform: string
  readonly sender: string
  readonly kind: string
  readonly category: string
  readonly due: number
  readonly sent: number
  readonly failed: number
  readonly expired: number
  readonly unknown: number
  readonly cancelled: number
  readonly retries: number
  readonly possibleDuplicates: number
  readonly costUnits: number
  /** Counts by the buckets of Lateness.ts. */
  readonly lateness: ReadonlyArray<number>
}

export const keys = ["bucket", "platform", "sender", "kind", "category"] as const
export const figures = [
  ...(["due", "sent", "failed", "expired", "unknown", "cancelled"] as const),
  ...(["retries", "possibleDuplicates", "costUnits"] as const)
]

/** One that is being made, of all that a batch changes: each message is counted in its place. */
type Sum = { -readonly [Key in keyof RollupRow]: RollupRow[Key] } & { lateness: Array<number> }

type Key = Pick<RollupRow, (typeof keys)[number]>

/** The sum of this key, made when there is none yet. */
const sumIn = (sums: Map<string, Sum>, { bucket, platform, sender, kind, category }: Key): Sum => {
  const key = `${bucket} ${platform} ${sender} ${kind} ${category}`
  const known = sums.get(key)
  if (known) return known
  const none = { due: 0, sent: 0, failed: 0, expired: 0, unknown: 0, cancelled: 0 }
  const sum: Sum = {
    ...{ bucket, platform, sender, kind, category },
    ...{ ...none, retries: 0, possibleDuplicates: 0, costUnits: 0, lateness: [] }
  }
  sums.set(key, sum)
  return sum
}

const addAt = (counts: Array<number>, place: number, count: number) => {
  while (counts.length <= place) counts.push(0)
  counts[place] = (counts[place] as number) + count
}

const arrived: ReadonlySet<Status> = new Set<Status>(["sent", "delivered", "read"])

/** With -1 it is taken back. What was refused was never due, and counts for nothing. */
const count = (sums: Map<string, Sum>, row: MessageRow, sign: 1 | -1) => {
  const { dueAt, sentAt, status } = row
  if (dueAt === null) return
  const sum = sumIn(sums, {
    bucket: `${dueAt.slice(0, 13)}:00:00.000Z`,
    platform: row.platform ?? "",
    sender: row.sender ?? "",
    kind: row.kind ?? "",
    category: row.errorCategory ?? ""
  })
  sum.due += sign
  sum.retries += sign * Math.max(0, row.attempts - 1)
  if (row.possibleDuplicate) sum.possibleDuplicates += sign
  sum.costUnits += sign * row.costUnits
  if (arrived.has(status)) {
    sum.sent += sign
    if (sentAt !== null) addAt(sum.lateness, bucketOf(toMillis(sentAt) - toMillis(dueAt)), sign)
  } else if (status === "failed" || status === "expired" || status === "unknown" || status === "cancelled") {
    sum[status] += sign
  }
}

const byDay = (hours: Iterable<RollupRow>): Map<string, Sum> => {
  const days = new Map<string, Sum>()
  for (const hour of hours) {
    const day = sumIn(days, { ...hour, bucket: `${hour.bucket.slice(0, 10)}T00:00:00.000Z` })
    for (const figure of figures) day[figure] += hour[figure]
    for (const [place, count] of hour.lateness.entries()) addAt(day.lateness, place, count)
  }
  return days
}

const isSomething = (row: RollupRow) =>
  figures.some((figure) => row[figure] !== 0) || row.lateness.some((count) => count !== 0)

/** What to add to each row of the sums, when these messages were so before and are so afterwards. */
export const changes = (
  before: ReadonlyMap<string, MessageRow>,
  after: ReadonlyMap<string, MessageRow>
): { readonly [Key in Grain]: ReadonlyArray<RollupRow> } => {
  const hours = new Map<string, Sum>()
  for (const [id, row] of after) {
    const old = before.get(id)
    if (row === old) continue
    if (old) count(hours, old, -1)
    count(hours, row, 1)
  }
  const hourly = [...hours.values()].filter(isSomething)
  return { hourly, daily: [...byDay(hourly).values()].filter(isSomething) }
}
