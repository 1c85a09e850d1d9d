// Receives spans as a collector would: OTLP over HTTP, JSON.
import { createServer } from "node:http"
import { Effect } from "effect"
import { listening } from "../servers/Listening.ts"

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly service: string
  readonly kind: number
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  readonly attributes: Readonly<Record<string, unknown>>
  readonly error: boolean
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly boolValue?: boolean
}
type Attributes = ReadonlyArray<{ readonly key: string; readonly value: Value }>
interface Exported {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: Attributes }
    readonly scopeSpans: ReadonlyArray<{
      readonly spans: ReadonlyArray<
        Omit<Span, "service" | "attributes" | "error"> & {
          readonly attributes: Attributes
          readonly status: { readonly code?: number }
        }
      >
    }>
  }>
}

const plain = (attributes: Attributes = []) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)])
  )

export const otlpReceiver = Effect.gen(function* () {
  const spans: Array<Span> = []
  let raw = ""
  const authorizations = new Set<string | undefined>()
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    request.on("end", () => {
      raw += body
      authorizations.add(request.headers.authorization)
      for (const { resource, scopeSpans } of (JSON.parse(body) as Exported).resourceSpans ?? []) {
        const service = String(plain(resource.attributes)["service.name"])
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
          spans.push({
            ...span,
            parentSpanId: span.parentSpanId || undefined,
            links: span.links ?? [],
            service,
            attributes: plain(span.attributes),
            error: span.status?.code === 2
          })
        }
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  const { port } = yield* listening(server)
  return {
    spans,
    /** Who the exporters say that they are. */
    authorizations,
    /** Everything that was received, as it came. */
    raw: () => raw,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100"
    }
  }
})
