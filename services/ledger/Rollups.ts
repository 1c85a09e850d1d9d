// What a message counts for in the sums by hour and day, and what a batch changes of them. A message counts as its row says
// it is by now: when the row changes, what it counted for is taken back. Pure.
import type { Instant } from "#shared/contract/Fields.ts"
import { toMillis } from "#shared/contract/Instants.ts"
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

const arrived: ReadonlySet<Status> = new Set<Status>(["sent", "delivered", "read"])

/** Nothing for what was refused: it was never due. */
export const contribution = (row: MessageRow, grain: Grain): RollupRow | undefined => {
  const { dueAt, sentAt, status } = row
  if (dueAt === null) return undefined
  const is = (wanted: Status) => (status === wanted ? 1 : 0)
  const place = arrived.has(status) && sentAt !== null ? bucketOf(toMillis(sentAt) - toMillis(dueAt)) : undefined
  return {
    bucket: grain === "hourly" ? `${dueAt.slice(0, 13)}:00:00.000Z` : `${dueAt.slice(0, 10)}T00:00:00.000Z`,
    platform: row.platform ?? "",
    sender: row.sender ?? "",
    kind: row.kind ?? "",
    category: row.errorCategory ?? "",
    due: 1,
    sent: arrived.has(status) ? 1 : 0,
    failed: is("failed"),
    expired: is("expired"),
    unknown: is("unknown"),
    cancelled: is("cancelled"),
    retries: Math.max(0, row.attempts - 1),
    possibleDuplicates: row.possibleDuplicate ? 1 : 0,
    costUnits: row.costUnits,
    lateness: place === undefined ? [] : [...Array<number>(place).fill(0), 1]
  }
}

/** A sum that is being made: of all that a batch changes, so each is added in its place. */
type Sum = { -readonly [Key in keyof RollupRow]: RollupRow[Key] } & { lateness: Array<number> }

const nothing = (like: RollupRow): Sum => {
  const sum: Sum = { ...like, lateness: [] }
  for (const figure of figures) sum[figure] = 0
  return sum
}

const addTo = (sum: Sum, own: RollupRow, sign: 1 | -1) => {
  for (const figure of figures) sum[figure] += sign * own[figure]
  for (const [place, count] of own.lateness.entries()) sum.lateness[place] = (sum.lateness[place] ?? 0) + sign * count
}

const isNothing = (row: RollupRow) =>
  figures.every((figure) => row[figure] === 0) && row.lateness.every((count) => count === 0)

/** What to add to each row of the sums, when these messages were so before and are so afterwards. */
export const changes = (
  before: ReadonlyMap<string, MessageRow>,
  after: ReadonlyMap<string, MessageRow>,
  grain: Grain
): ReadonlyArray<RollupRow> => {
  const sums = new Map<string, Sum>()
  const count = (row: MessageRow | undefined, sign: 1 | -1) => {
    const own = row && contribution(row, grain)
    if (!own) return
    const key = `${own.bucket} ${own.platform} ${own.sender} ${own.kind} ${own.category}`
    const sum = sums.get(key) ?? nothing(own)
    addTo(sum, own, sign)
    sums.set(key, sum)
  }
  for (const [id, row] of after) {
    if (row === before.get(id)) continue
    count(before.get(id), -1)
    count(row, 1)
  }
  return [...sums.values()].filter((row) => !isNothing(row))
}
