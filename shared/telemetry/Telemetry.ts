// OpenTelemetry for one service: traces by the standard OTEL_* variables, metrics for Prometheus on /metrics.

import type { IncomingMessage, ServerResponse } from "node:http"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as OtelTracer from "@effect/opentelemetry/OtelTracer"
import { metrics } from "@opentelemetry/api"
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus"
import { resourceFromAttributes } from "@opentelemetry/resources"
import { MeterProvider } from "@opentelemetry/sdk-metrics"
import { Context, Effect, Layer, Option, Redacted, Tracer } from "effect"
import { version } from "#shared/service/Version.ts"
import { gauge, shown } from "./Metrics.ts"
import { exporterHeaders, tracingOn } from "./TracingSettings.ts"

export class Telemetry extends Context.Service<
  Telemetry,
  {
    /** Answers a request for /metrics. */
    readonly serveMetrics: (request: IncomingMessage, response: ServerResponse) => void
  }
>()("shared/telemetry/Telemetry") {
  /** Tracing is on when an exporter or an endpoint is named; without one nothing is loaded and nothing is sent. */
  static readonly layer = (service: string) =>
    Layer.effect(
      Telemetry,
      Effect.gen(function* () {
        const exporter = new PrometheusExporter({ preventServerStart: true })
        const resource = resourceFromAttributes({ "service.name": service, "service.version": version })
        const provider = new MeterProvider({ resource, readers: [exporter] })
        metrics.setGlobalMeterProvider(provider)
        yield* Effect.addFinalizer(() => Effect.promise(() => provider.shutdown().catch(() => {})))
        yield* watchEventLoop
        return Telemetry.of({
          serveMetrics: (request, response) => exporter.getMetricsRequestHandler(request, response)
        })
      })
    ).pipe(
      Layer.provideMerge(tracingOn ? tracing(service) : Layer.empty),
      Layer.provideMerge(Layer.effectDiscard(headersFromFile))
    )
}

/** The exporter looks for them in the environment only; as any secret they may stand in a file. */
const headersFromFile = Effect.gen(function* () {
  const found = yield* exporterHeaders.given
  // biome-ignore lint/style/noProcessEnv: where the exporter looks.
  if (Option.isSome(found)) process.env.OTEL_EXPORTER_OTLP_HEADERS = Redacted.value(found.value)
})

/** Started before anything that makes spans; ended after it, so that the last ones are sent. */
const tracing = (service: string) =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const { startTracing } = await import("./Tracing.ts")
        return startTracing(service)
      }),
      (provider) => Effect.promise(() => provider.shutdown().catch(() => {}))
    )
  ).pipe((started) => Layer.provideMerge(spansOfEffect, started))

/**
 * Effect's own spans go to OpenTelemetry. Its context of what is active is left out: nobody asks it here, and Effect would
 * enter it anew with every step of every fiber within a span.
 */
const spansOfEffect = Layer.effect(
  Tracer.Tracer,
  Effect.map(OtelTracer.make, ({ span }) => Tracer.make({ span }))
).pipe(Layer.provide(OtelTracer.layerGlobalTracer))

const watchEventLoop = Effect.gen(function* () {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  yield* Effect.addFinalizer(() => Effect.sync(() => void delay.disable()))
  yield* shown(() => [
    gauge("carillon_event_loop_delay_seconds", "99th percentile since the last look", () => {
      const seconds = delay.percentile(99) / 1e9
      delay.reset()
      return Number.isFinite(seconds) ? seconds : 0
    })
  ])
})
