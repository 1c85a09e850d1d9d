// Lateness as counts in buckets: counts can be added, percentiles cannot. Pure; all in milliseconds.

/**
 * The lower bounds of all buckets but the first, which holds what was not late: four to each doubling, from 1 ms to
 * twelve days; whole numbers, so that short waits are exact.
 */
export const bounds: ReadonlyArray<number> = [
  ...new Set(Array.from({ length: 121 }, (_, step) => Math.round(2 ** (step / 4))))
]

/** The place of its bucket; the same as `width_bucket(late, bounds)` of Postgres. */
export const bucketOf = (late: number): number => {
  let [low, high] = [0, bounds.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bounds[middle] as number) <= late) low = middle + 1
    else high = middle
  }
  return low
}

/** Off by at most a tenth of what it says: a bucket is told by the geometric middle of what may be in it. */
const middleOf = (bucket: number): number => {
  if (bucket === 0) return 0
  const low = bounds[bucket - 1] as number
  const high = bounds[bucket]
  return high === undefined ? low : Math.sqrt(low * (high - 1))
}

/** Nothing of nothing. `share` from 0 to 1: of so many messages the lateness was at most this. */
export const percentile = (counts: ReadonlyArray<number>, share: number): number | undefined => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const wanted = Math.ceil(share * total)
  let upTo = 0
  for (const [bucket, count] of counts.entries()) {
    upTo += count
    if (upTo >= wanted) return middleOf(bucket)
  }
  return undefined
}

/** Counts of both, each at its place. */
export const merged = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: Math.max(one.length, other.length) }, (_, index) => (one[index] ?? 0) + (other[index] ?? 0))
