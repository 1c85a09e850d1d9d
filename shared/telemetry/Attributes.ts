// The only attributes that spans and metrics may carry: ids, codes and counts; never text, addresses or tokens.
import type { Attributes } from "@opentelemetry/api"

export interface SpanAttributes {
  readonly "carillon.message.id"?: string | undefined
  readonly "carillon.attempt"?: number | undefined
  readonly "carillon.platform"?: string | undefined
  readonly "carillon.possible_duplicate"?: boolean | undefined
  /** A code of a closed set: an error category, or `rejected`. */
  readonly "error.type"?: string | undefined
  readonly "messaging.system"?: "nats"
  readonly "messaging.operation.type"?: "send" | "process"
  /** A subject without the ids in it. */
  readonly "messaging.destination.template"?: string
}

/** Low cardinality: these become labels, and never name a message. */
export interface MetricAttributes {
  readonly platform?: string | undefined
  readonly sender?: string | undefined
  readonly type?: string | undefined
  readonly category?: string | undefined
  readonly stage?: string | undefined
  readonly consumer?: string | undefined
  readonly stream?: string | undefined
  readonly rule?: string | undefined
  readonly work?: string | undefined
}

const spanKeys: ReadonlySet<string> = new Set<keyof SpanAttributes>([
  "carillon.message.id",
  "carillon.attempt",
  "carillon.platform",
  "carillon.possible_duplicate",
  "error.type",
  "messaging.system",
  "messaging.operation.type",
  "messaging.destination.template"
])

/** Drops what is not on the list, whatever the types let through. */
export const allowed = (attributes: SpanAttributes): Attributes => {
  const found: Attributes = {}
  for (const key in attributes) {
    const value = attributes[key as keyof SpanAttributes]
    if (value !== undefined && spanKeys.has(key)) found[key] = value
  }
  return found
}
