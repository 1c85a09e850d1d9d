// What a gateway tells of its work: a span from taking a message to its outcome, one for the call within it, and how
// late and how long it was.
import { Effect } from "effect"
import type { Attempt, Event } from "#shared/contract/Events.ts"
import type { Platform } from "#shared/contract/Fields.ts"
import { toMillis } from "#shared/contract/Instants.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { gauge, recordLateness, recordStage } from "#shared/telemetry/Metrics.ts"
import { attributesOf, processing } from "#shared/telemetry/Processing.ts"
import { type MessageSpan, startSpan } from "#shared/telemetry/Spans.ts"
import type { Entry } from "./Held.ts"
import { errorCategory, type Outcome } from "./Outcome.ts"

const about = ({ message, attempt }: Attempt) => ({ id: message.id, attempt, platform: message.platform })

export const taken = (delivery: Delivery, attempt: Attempt): MessageSpan =>
  processing(delivery, { destination: "carillon.event.dispatched.{platform}", ...about(attempt) })

/** Call it with the outcome when the call has ended. */
export const calling = ({ attempt, sendAt, span }: Entry): ((outcome: Outcome) => void) => {
  const { platform } = attempt.message
  const startedAt = Date.now()
  recordStage("wait", startedAt - sendAt, platform)
  const call = startSpan({
    name: `send ${platform}`,
    kind: "client",
    from: { parent: span.headers.traceparent, origin: span.headers["ce-traceparent"] },
    as: "child",
    attributes: {
      ...attributesOf({ destination: platform, ...about(attempt) }),
      "messaging.operation.type": "send",
      "carillon.possible_duplicate": attempt.possibleDuplicate
    }
  })
  return (outcome) => {
    recordStage("platform", Date.now() - startedAt, platform)
    call.end(outcome._tag === "Accepted" ? undefined : errorCategory(outcome))
  }
}

export const ended = ({ span }: Entry, event: Event) => {
  if (event.type === "sent") recordLateness(toMillis(event.sentAt) - toMillis(event.dueAt), event.platform)
  span.end("category" in event ? event.category : event.type === "expired" ? "expired" : undefined)
}

/** How much a gateway has in its hands, as gauges. */
export const watching = (platform: Platform, read: { readonly held: () => number; readonly sending: () => number }) =>
  Effect.acquireRelease(
    Effect.sync(() => [
      gauge(
        "carillon_gateway_messages_in_hand",
        "Taken and not settled: waiting, being sent, being recorded",
        read.held,
        { platform }
      ),
      gauge("carillon_gateway_sends_in_flight", "Calls to the platform under way", read.sending, { platform })
    ]),
    (removes) => Effect.sync(() => removes.forEach((remove) => void remove()))
  )
