// The variables of OpenTelemetry that count here. It reads them itself; we only look whether there is anything to be sent.
import { environment, secret } from "#shared/service/Settings.ts"

const exporter = environment("OTEL_TRACES_EXPORTER", {
  says: "How traces are sent; without it and without an address nothing is sent, and nothing is loaded",
  takes: "`otlp`, `console` or `none`",
  otherwise: "`otlp`, if an address is given"
})
const addresses = [
  environment("OTEL_EXPORTER_OTLP_ENDPOINT", {
    says: "Where traces are sent, without the path `/v1/traces`",
    takes: "a URL like `http://collector:4318`"
  }),
  environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", {
    says: "Where traces are sent, with its path; goes before `OTEL_EXPORTER_OTLP_ENDPOINT`",
    takes: "a URL like `http://collector:4318/v1/traces`"
  })
]
const disabled = environment("OTEL_SDK_DISABLED", {
  says: "Whether no traces are sent, whatever else is said",
  takes: "`true` or `false`",
  otherwise: "`false`"
})
/** What traces call this service, if not by its own name. */
export const tracedName = environment("OTEL_SERVICE_NAME", {
  says: "What the service is called in traces",
  otherwise: "the service's own name"
})
environment("OTEL_RESOURCE_ATTRIBUTES", {
  says: "What else traces say of where the service runs",
  takes: "`name=value`, several with commas between: `k8s.namespace.name=clinic`"
})
export const protocol = environment("OTEL_EXPORTER_OTLP_PROTOCOL", {
  says: "In what form traces are sent",
  takes: "`http/protobuf`, `http/json` or `grpc`",
  otherwise: "`http/protobuf`"
})
export const exporterHeaders = secret("OTEL_EXPORTER_OTLP_HEADERS", {
  says: "What is sent with every request: mostly an authorization",
  takes: "`name=value`, several with commas between"
})
environment("OTEL_EXPORTER_OTLP_CERTIFICATE", {
  says: "A file with the certificate of the authority that the collector is to be known by",
  takes: "a path"
})
environment("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", {
  says: "A file with our own certificate, where the collector wants to see one",
  takes: "a path"
})
environment("OTEL_EXPORTER_OTLP_CLIENT_KEY", {
  says: "The file with the key of `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`",
  takes: "a path"
})
environment("OTEL_TRACES_SAMPLER", {
  says: "Which traces are kept",
  takes: "as OpenTelemetry has them: `parentbased_traceidratio`, …",
  otherwise: "all"
})
environment("OTEL_TRACES_SAMPLER_ARG", { says: "Which part of the traces a sampler by ratio keeps", takes: "0 to 1" })

/** Several with commas between are possible too. */
export const exporterNames = (exporter || "otlp").split(",").map((name) => name.trim())

export const tracingOn =
  disabled?.toLowerCase() !== "true" && exporter !== "none" && [exporter, ...addresses].some((given) => given)
