// What the benchmark makes of a service's histogram, and of what was measured one by one.
import { assert, describe, it } from "@effect/vitest"
import { parseHistogram, quantile, since } from "../../bench/Histogram.ts"
import { percentile } from "../../bench/Percentile.ts"

const metrics = (telegram: ReadonlyArray<number>) => `
# TYPE carillon_stage_duration_seconds histogram
carillon_stage_duration_seconds_count{stage="projection",platform="telegram"} ${telegram[2]}
carillon_stage_duration_seconds_bucket{stage="projection",platform="telegram",le="0.1"} ${telegram[0]}
carillon_stage_duration_seconds_bucket{stage="projection",platform="telegram",le="1"} ${telegram[1]}
carillon_stage_duration_seconds_bucket{stage="projection",platform="telegram",le="+Inf"} ${telegram[2]}
carillon_stage_duration_seconds_bucket{stage="projection",platform="webhook",le="0.1"} 1
carillon_stage_duration_seconds_bucket{stage="projection",platform="webhook",le="1"} 1
carillon_stage_duration_seconds_bucket{stage="projection",platform="webhook",le="+Inf"} 1
carillon_stage_duration_seconds_bucket{stage="accept",platform="telegram",le="0.1"} 1000
carillon_stage_duration_seconds_bucket{stage="accept",platform="telegram",le="+Inf"} 1000
`
const read = (telegram: ReadonlyArray<number>) =>
  parseHistogram(metrics(telegram), "carillon_stage_duration_seconds", "projection")

describe("a histogram of a service", () => {
  it("is of one stage, over all platforms", () => {
    assert.deepStrictEqual(read([10, 20, 20]), [
      [0.1, 11],
      [1, 21],
      [Number.POSITIVE_INFINITY, 21]
    ])
  })

  it("gives the percentiles of what came since", () => {
    const came = since(read([10, 20, 20]), read([10, 120, 120]))
    assert.closeTo(quantile(came, 0.99) ?? 0, 0.991, 1e-9)
  })

  it("gives its last bound for what lies beyond, and nothing where nothing came", () => {
    assert.strictEqual(quantile(since(read([0, 0, 0]), read([0, 0, 9])), 0.5), 1)
    assert.isUndefined(quantile(since(read([1, 2, 3]), read([1, 2, 3])), 0.5))
  })
})

describe("a percentile", () => {
  it("is a value that was measured, and the share of those above it is no larger than the rest", () => {
    const values = Array.from({ length: 200 }, (_, index) => (index * 7) % 200)
    assert.strictEqual(percentile(values, 0.5), 99)
    assert.strictEqual(percentile(values, 0.99), 197)
    assert.strictEqual(percentile(values, 1), 199)
  })
})
