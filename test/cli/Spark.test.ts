// Sparklines: what one sees of a figure over time.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { atMost, spark } from "#cli/output/Spark.ts"

const sum = (some: ReadonlyArray<number>) => some.reduce((a, b) => a + b, 0)

describe("a sparkline", () => {
  it("goes from nothing to the highest, with a gap where there is no figure", () => {
    assert.strictEqual(spark([0, 1, 2, 3, 4, 5, 6, 7, 8]), "▁▂▃▄▅▆▇██")
    assert.strictEqual(spark([0, 0]), "▁▁")
    assert.strictEqual(spark([5, undefined, 5]), "█ █")
    assert.strictEqual(spark([]), "")
  })
  it("has one block for each figure, the highest of them for the highest", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), (figures) => {
        const drawn = spark(figures)
        assert.strictEqual(drawn.length, figures.length)
        if (Math.max(...figures) > 0) assert.strictEqual(drawn[figures.indexOf(Math.max(...figures))], "█")
      })
    )
  })
  it("is no wider than it may be, and loses nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 300 }), fc.integer({ min: 1, max: 60 }), (figures, width) => {
        const drawn = atMost(width, figures, sum)
        assert.isAtMost(drawn.length, width)
        assert.strictEqual(sum(drawn), sum(figures))
      })
    )
  })
})
