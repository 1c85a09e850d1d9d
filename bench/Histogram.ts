// Reads a histogram from what a service answers on /metrics: how much came since an earlier look, and its percentiles.
import { Effect } from "effect"
import type { Part } from "./World.ts"

/** Cumulative counts by upper bound, in seconds, ascending. */
export type Histogram = ReadonlyArray<readonly [bound: number, count: number]>

export const parseHistogram = (text: string, name: string, stage: string): Histogram => {
  const counts = new Map<number, number>()
  for (const [, labels = "", count] of text.matchAll(new RegExp(`^${name}_bucket\\{([^}]*)\\} (\\d+)`, "gm"))) {
    if (!labels.includes(`stage="${stage}"`)) continue
    const bound = /le="([^"]+)"/.exec(labels)?.[1] ?? ""
    const seconds = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound)
    counts.set(seconds, (counts.get(seconds) ?? 0) + Number(count))
  }
  return [...counts].sort(([a], [b]) => a - b)
}

export const since = (before: Histogram, after: Histogram): Histogram => {
  const earlier = new Map(before)
  return after.map(([bound, count]) => [bound, count - (earlier.get(bound) ?? 0)])
}

/** Evenly spread within its bucket, as Prometheus takes it; the last finite bound if it lies beyond. Nothing of nothing. */
export const quantile = (histogram: Histogram, q: number): number | undefined => {
  const total = histogram.at(-1)?.[1] ?? 0
  if (total === 0) return undefined
  const rank = q * total
  const at = histogram.findIndex(([, count]) => count >= rank)
  const [bound = 0, count = 0] = histogram[at] ?? []
  const [lower, below] = histogram[at - 1] ?? [0, 0]
  return Number.isFinite(bound) ? lower + ((bound - lower) * (rank - below)) / (count - below) : lower
}

/** How long one stage took (shared/telemetry/Metrics.ts), over all replicas, since they started. */
export const stageHistogram = (urls: ReadonlyArray<string>, stage: string) =>
  Effect.promise(async () => {
    const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()))
    return parseHistogram(texts.join("\n"), "carillon_stage_duration_seconds", stage)
  })

const stages: ReadonlyArray<readonly [stage: string, by: Part]> = [
  ["accept", "scheduler"],
  ["fire", "dispatcher"],
  ["dispatch", "dispatcher"],
  ["wait", "telegram-gateway"],
  ["platform", "telegram-gateway"],
  ["projection", "ledger"]
]

/** From now on: what it answers with says how long each stage took, in milliseconds. */
export const stagePercentiles = Effect.fnUntraced(function* (urlsOf: (part: Part) => ReadonlyArray<string>) {
  const look = Effect.forEach(stages, ([stage, by]) => stageHistogram(urlsOf(by), stage))
  const before = yield* look
  return Effect.map(look, (after) =>
    stages
      .map(([stage], index) => {
        const [p50 = 0, p99 = 0] = [0.5, 0.99].map((q) => quantile(since(before[index] ?? [], after[index] ?? []), q))
        return `${stage} ${Math.round(p50 * 1_000)} and ${Math.round(p99 * 1_000)} ms`
      })
      .join(", ")
  ).pipe(Effect.map((said) => `stages, p50 and p99: ${said}`))
})
