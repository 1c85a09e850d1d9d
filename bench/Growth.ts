// What a message costs as they become more: bursts of growing size, one after the other on the same servers.
import { Effect } from "effect"
import { type BurstResult, burst, ownCpu, warmUpWell } from "./Burst.ts"
import { brokerFloors, callFloor } from "./Floors.ts"
import { atMost, type Row } from "./Table.ts"
import { type Settings, world } from "./World.ts"

/** Small ones several times: their figures are of less than a second. */
const sizes = [
  { count: 1_000, times: 3 },
  { count: 10_000, times: 1 },
  { count: 100_000, times: 1 },
  { count: 1_000_000, times: 1 }
]

/** Microseconds a message, while they are accepted and from the instant until all are recorded. */
const time = ({ accepted, recorded }: BurstResult) => 1e6 / accepted + 1e6 / recorded

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

export const measureGrowth = Effect.fnUntraced(function* (settings: Settings) {
  const most = settings.count ?? (settings.full ? 1_000_000 : 100_000)
  const of = yield* world(settings)
  const { publish } = yield* brokerFloors(of, 10_000)
  const http = yield* callFloor(of, 10_000)
  const floor = { what: "bare publish and call", value: 1e6 / publish.rate + 1e6 / http.rate }
  yield* of.start
  let { accepted } = yield* warmUpWell(of)
  const measured = []
  for (const { count, times } of sizes.filter(({ count }) => count <= most)) {
    yield* Effect.logInfo(`${count} messages${times > 1 ? `, ${times} times` : ""}`)
    const results: Array<BurstResult> = []
    for (let n = 0; n < times; n++) results.push(yield* burst(of, count, `growth-${count}-${n}`, accepted))
    accepted = mean(results.map((result) => result.accepted))
    measured.push({ count, time: mean(results.map(time)), cpu: mean(results.map(ownCpu)) })
  }
  yield* of.stop
  const times = measured.map(({ time }) => time)
  const spread = (Math.max(...times) / Math.min(...times) - 1) * 100
  return [
    ...measured.map(
      ({ count, cpu, time }): Row => ({
        what: `time a message of ${count.toLocaleString("en")}, accepted and sent (CPU of the services: ${Math.round(cpu)} µs)`,
        measured: time,
        unit: "µs",
        floor
      })
    ),
    {
      what: "the dearest size above the cheapest",
      measured: spread,
      unit: "%",
      target: atMost(spread, 20, "%")
    }
  ] satisfies ReadonlyArray<Row>
})
