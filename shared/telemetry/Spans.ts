// Spans of single messages, and how their trace travels: `traceparent` is the hop before, `ce-traceparent` where it all
// began (the distributed tracing extension of CloudEvents). Cheap where tracing is off: then headers pass through.
import {
  INVALID_TRACEID,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace
} from "@opentelemetry/api"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { allowed, type SpanAttributes } from "./Attributes.ts"

/** What a message says of the trace it belongs to. */
export interface TraceOrigin {
  /** The hop before. */
  readonly parent?: string | undefined
  /** Where it began: the publisher's trace. */
  readonly origin?: string | undefined
}

export interface MessageSpan {
  /** For everything published because of this span. */
  readonly headers: Headers
  /** The error is a code, or nothing. Times are milliseconds since the epoch. */
  end(error?: string | undefined, at?: number): void
}

export interface SpanOptions {
  readonly name: string
  readonly kind: "consumer" | "client" | "producer"
  readonly from: TraceOrigin
  /** `child` continues the hop before; `new` starts a trace of its own, linked to the origin and the hop before. */
  readonly as: "child" | "new"
  readonly attributes: SpanAttributes
  readonly startedAt?: number
}

const kinds = { consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER }
const tracer = trace.getTracer("carillon")

/** What is no trace context is nothing: a publisher may have put anything there, and it would be passed on and logged. */
export const traceOf = (header: (name: string) => string | undefined): TraceOrigin => {
  const found = (name: string) => {
    const value = header(name)
    return value !== undefined && isTraceContext(value) ? value : undefined
  }
  return { parent: found("traceparent"), origin: found("ce-traceparent") }
}

export const startSpan = ({ name, kind, from, as, attributes, startedAt }: SpanOptions): MessageSpan => {
  const parent = parse(from.parent)
  const links = as === "child" ? [] : linksTo(parse(from.origin), parent)
  const under = as === "child" && parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
  const span = tracer.startSpan(
    name,
    {
      kind: kinds[kind],
      links,
      ...(startedAt === undefined ? {} : { startTime: startedAt })
    },
    under
  )
  if (span.isRecording())
    span.setAttributes(allowed({ "messaging.system": "nats", "messaging.operation.type": "process", ...attributes }))
  const own = format(span.spanContext()) ?? from.parent
  const origin = from.origin ?? from.parent ?? own
  return {
    headers: {
      ...(own === undefined ? {} : { traceparent: own }),
      ...(origin === undefined ? {} : { "ce-traceparent": origin })
    },
    end: (error, at) => {
      if (error !== undefined) {
        span.setAttribute("error.type", error)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end(at)
    }
  }
}

const linksTo = (...contexts: ReadonlyArray<SpanContext | undefined>): Array<Link> => {
  const found = new Map<string, Link>()
  for (const one of contexts) if (one) found.set(one.spanId, { context: one })
  return [...found.values()]
}

// An id of zeros is none.
const w3c = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

export const isTraceContext = (text: string) => w3c.test(text)

const parse = (text: string | undefined): SpanContext | undefined => {
  const [, traceId, spanId, flags] = w3c.exec(text ?? "") ?? []
  if (!traceId || !spanId || !flags) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

/** Of our own: where tracing is off it is that of the hop before, or none. */
const format = ({ spanId, traceFlags, traceId }: SpanContext): string | undefined =>
  traceId === INVALID_TRACEID
    ? undefined
    : `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`
