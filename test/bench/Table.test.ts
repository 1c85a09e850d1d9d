// The benchmark's table: figures as people read them, and what is not reached is said.
import { assert, it } from "@effect/vitest"
import { atLeast, atMost, table } from "../../bench/Table.ts"

const lastOf = (row: Parameters<typeof table>[0][number]) => table([row]).split("\n").at(-1)

it("shows a rate as a share of its floor, and what it has not reached", () => {
  assert.strictEqual(
    lastOf({
      what: "accepted",
      measured: 5_000.4,
      unit: "/s",
      floor: { what: "bare publish", value: 20_000 },
      target: atLeast(5_000.4, 10_000, "/s")
    }),
    "| accepted | 5,000/s | bare publish: 20,000/s | 25 % | at least 10,000/s | **no** |"
  )
})

it("shows a time in floors, with the digits that say something", () => {
  assert.strictEqual(
    lastOf({
      what: "late",
      measured: 12.34,
      unit: "ms",
      floor: { what: "timers", value: 4 },
      target: atMost(12.34, 25, "ms")
    }),
    "| late | 12.3 ms | timers: 4 ms | 3.09 × | at most 25 ms | yes |"
  )
})

it("shows no ratio to a floor of nothing, and no target where there is none", () => {
  assert.strictEqual(
    lastOf({ what: "late", measured: 1, unit: "ms", floor: { what: "timers", value: 0 } }),
    "| late | 1 ms | timers: 0 ms |  |  |  |"
  )
})
