// The span of one message that an actor processes, with its usual name and attributes.
import { headersIn } from "#shared/nats/messages/Headers.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import type { SpanAttributes } from "./Attributes.ts"
import { type MessageSpan, startSpan, type TraceOrigin, traceOf } from "./Spans.ts"

export interface About {
  /** The subject without ids. */
  readonly destination: string
  readonly id?: string | undefined
  readonly attempt?: number | undefined
  readonly platform?: string | undefined
}

/** What a message says of its trace in its headers. */
export const originOf = (delivery: Delivery) => traceOf(headersIn(delivery))

export const attributesOf = ({ destination, id, attempt, platform }: About): SpanAttributes => ({
  "messaging.destination.template": destination,
  "carillon.message.id": id,
  "carillon.attempt": attempt,
  "carillon.platform": platform
})

/** `child` of the hop before; `new` for what waited in between, linked to it and to where it all began. */
export const processing = (delivery: Delivery, about: About, as: "child" | "new" = "child"): MessageSpan =>
  processingFrom(originOf(delivery), about, as)

/** The same where it is known already what the message says of its trace. */
export const processingFrom = (
  from: TraceOrigin,
  about: About,
  as: "child" | "new" = "child",
  startedAt?: number
): MessageSpan =>
  startSpan({
    name: `process ${about.destination}`,
    kind: "consumer",
    from,
    as,
    attributes: attributesOf(about),
    ...(startedAt === undefined ? {} : { startedAt })
  })
