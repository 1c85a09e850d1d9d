// What telemetry costs: the same bursts with no span exported, one trace in ten, and all; CPU of our services a message.
// By turns, and of each the cheapest: what else the machine does changes within minutes, and only ever adds.
import { Effect } from "effect"
import { burst, ownCpu, warmUpWell } from "./Burst.ts"
import type { Row } from "./Table.ts"
import { type Settings, world } from "./World.ts"

const rounds = 5

const started = Effect.fnUntraced(function* (settings: Settings, environment: Readonly<Record<string, string>>) {
  const of = yield* world(settings, { environment })
  yield* of.start
  const { accepted } = yield* warmUpWell(of)
  return { of, accepted }
})

export const measureTelemetry = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? 5_000
  yield* Effect.logInfo("three times all services, one beside the other")
  const none = yield* started(settings, { OTEL_SDK_DISABLED: "true" })
  const tenth = yield* started(settings, {
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.1"
  })
  const every = yield* started(settings, {})
  const least = { none: Number.POSITIVE_INFINITY, tenth: Number.POSITIVE_INFINITY, every: Number.POSITIVE_INFINITY }
  const ways = Object.entries({ none, tenth, every }) as ReadonlyArray<[keyof typeof least, typeof none]>
  for (let round = 1; round <= rounds; round++) {
    yield* Effect.logInfo(`round ${round} of ${rounds}`)
    for (const [way, { of, accepted }] of ways)
      least[way] = Math.min(least[way], ownCpu(yield* burst(of, count, `telemetry-${round}`, accepted)))
  }
  yield* Effect.forEach(ways, ([, { of }]) => of.stop, { concurrency: "unbounded", discard: true })
  return rowsOf(least)
}, Effect.scoped)

const rowsOf = ({ none, tenth, every }: { none: number; tenth: number; every: number }) => {
  const floor = { what: "no spans", value: none }
  const what = (spans: string) => `CPU a message of the four services, ${spans} exported`
  return [
    { what: what("no spans"), measured: none, unit: "µs" },
    { what: what("one trace in ten"), measured: tenth, unit: "µs", floor },
    { what: what("all spans"), measured: every, unit: "µs", floor },
    { what: "share of telemetry, all spans exported", measured: (1 - none / every) * 100, unit: "%" }
  ] satisfies ReadonlyArray<Row>
}
