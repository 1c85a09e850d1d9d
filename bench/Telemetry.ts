// What telemetry costs: the same burst with no span exported, one in ten, and all; CPU of our services a message.
import { Effect } from "effect"
import { burst, ownCpu, warmUpWell } from "./Burst.ts"
import type { Row } from "./Table.ts"
import { type Settings, world } from "./World.ts"

const modes = {
  "no spans": { OTEL_SDK_DISABLED: "true" },
  "one trace in ten": { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" },
  "all spans": {}
}

const measure = Effect.fnUntraced(function* (settings: Settings, environment: Readonly<Record<string, string>>) {
  const of = yield* world(settings, { environment })
  yield* of.start
  const { accepted } = yield* warmUpWell(of)
  const result = yield* burst(of, settings.count ?? 5_000, "telemetry", accepted)
  yield* of.stop
  return ownCpu(result)
}, Effect.scoped)

export const measureTelemetry = Effect.fnUntraced(function* (settings: Settings) {
  const costs = yield* Effect.forEach(Object.entries(modes), ([mode, environment]) =>
    Effect.gen(function* () {
      yield* Effect.logInfo(mode)
      return { mode, cpu: yield* measure(settings, environment) }
    })
  )
  const [none, , all] = costs.map(({ cpu }) => cpu) as [number, number, number]
  return [
    ...costs.map(
      ({ mode, cpu }): Row => ({
        what: `CPU a message of the four services, ${mode} exported`,
        measured: cpu,
        unit: "µs",
        ...(cpu === none ? {} : { floor: { what: "no spans", value: none } })
      })
    ),
    { what: "share of telemetry, all spans exported", measured: (1 - none / all) * 100, unit: "%" }
  ] satisfies ReadonlyArray<Row>
})
