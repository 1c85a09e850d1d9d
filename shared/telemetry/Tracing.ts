// Sends spans as the standard variables say. Only what they ask for is loaded: OpenTelemetry's own kit for Node loads
// every exporter that there is, some ten megabytes in each service.
import { trace } from "@opentelemetry/api"
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources"
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor
} from "@opentelemetry/sdk-trace-base"
import { version } from "#shared/service/Version.ts"
import { exporterNames, protocol, tracedName } from "./TracingSettings.ts"

/** Sampler and limits it reads from the environment itself, and so do exporters and what groups spans for them. */
export const startTracing = async (service: string) => {
  const resource = resourceFromAttributes({ "service.version": version })
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ "service.name": tracedName || service }))
  const spanProcessors = await Promise.all(exporterNames.flatMap((name) => processors[name]?.() ?? []))
  const provider = new BasicTracerProvider({ resource, spanProcessors })
  trace.setGlobalTracerProvider(provider)
  return provider
}

const processors: Readonly<Record<string, () => Promise<SpanProcessor>>> = {
  otlp: async () => {
    const { OTLPTraceExporter } = await (exporters[protocol ?? ""] ?? overProtobuf)()
    return new BatchSpanProcessor(new OTLPTraceExporter())
  },
  console: async () => new SimpleSpanProcessor(new ConsoleSpanExporter())
}

const overProtobuf = () => import("@opentelemetry/exporter-trace-otlp-proto")

const exporters: Readonly<Record<string, typeof overProtobuf>> = {
  "http/json": () => import("@opentelemetry/exporter-trace-otlp-http"),
  grpc: () => import("@opentelemetry/exporter-trace-otlp-grpc")
}
