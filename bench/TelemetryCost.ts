// What telemetry costs: the same burst with every span exported, one in ten, and none; CPU of our services a message.
import { fork } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { type ServiceProcess, serviceNames, serviceProcess } from "../deploy/local/ServiceProcess.ts"
import { burst, type Servers } from "./Burst.ts"

export interface Cost {
  readonly mode: string
  /** Microseconds of CPU, all four services together, from the first command to the last row. */
  readonly cpuPerMessage: number
}

const sink = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => fork(join(import.meta.dirname, "Sink.ts"))),
    (child) => Effect.sync(() => child.kill())
  )
  const [{ endpoint }] = yield* Effect.promise(() => once(child, "message") as Promise<[{ readonly endpoint: string }]>)
  return endpoint
})

/** Clock ticks of Linux are a hundredth of a second. */
const cpuOf = (services: ReadonlyArray<ServiceProcess>) =>
  services.reduce((sum, service) => {
    const fields = readFileSync(`/proc/${service.pid()}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ")
    return sum + (Number(fields[11]) + Number(fields[12])) * 10_000
  }, 0)

export const telemetryCost = Effect.fnUntraced(function* (
  servers: Servers & { readonly reset: Effect.Effect<unknown> },
  environment: Readonly<Record<string, string>>,
  count: number
) {
  const endpoint = yield* sink
  const exported = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" }
  const modes: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
    ["off", { OTEL_SDK_DISABLED: "true" }],
    ["one in ten", { ...exported, OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" }],
    ["all", exported]
  ]
  return yield* Effect.forEach(modes, ([mode, settings], index) =>
    Effect.scoped(
      Effect.gen(function* () {
        const services = yield* Effect.forEach(serviceNames, (name) =>
          serviceProcess(name, { ...environment, ...settings })
        )
        yield* Effect.forEach(services, (service) => service.start, { concurrency: "unbounded" })
        yield* servers.reset
        const before = cpuOf(services)
        yield* burst(servers, count, `telemetry-${index}`)
        const cost: Cost = { mode, cpuPerMessage: (cpuOf(services) - before) / count }
        yield* Effect.forEach(services, (service) => service.stop, { concurrency: "unbounded" })
        return cost
      })
    )
  )
})
