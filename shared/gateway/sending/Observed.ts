// What a gateway tells of its work: a span from taking a message to its outcome, one for the call within it, and how
// late and how long it was.
import type { Attempt, Event } from "#shared/contract/Events.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { counter, gauge, recordLateness, recordStage, shown } from "#shared/telemetry/Metrics.ts"
import { attributesOf, processing } from "#shared/telemetry/Processing.ts"
import { type MessageSpan, startSpan } from "#shared/telemetry/Spans.ts"
import { errorCategory, type Outcome } from "../Outcome.ts"
import type { Hearer } from "../people/Updates.ts"
import type { Desk } from "../sender/Desk.ts"
import type { Entry } from "./Entry.ts"

const about = ({ message, attempt }: Attempt) => ({ id: message.id, attempt, platform: message.platform })

export const taken = (delivery: Delivery, attempt: Attempt): MessageSpan =>
  processing(delivery, { destination: "carillon.event.dispatched.{platform}.{sender}.{priority}", ...about(attempt) })

const accepted = counter("carillon_sender_accepted", "Calls that the platform accepted, by sender")

/** Call it with the outcome when the call has ended. */
export const calling = ({ attempt, sendAt, span }: Entry): ((outcome: Outcome) => void) => {
  const { platform, sender } = attempt.message
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
    if (outcome._tag === "Accepted") accepted(1, { platform, sender })
    call.end(outcome._tag === "Accepted" ? undefined : errorCategory(outcome))
  }
}

export const ended = ({ span }: Entry, event: Event) => {
  if (event.type === "sent") recordLateness(toMillis(event.sentAt) - toMillis(event.dueAt), event.platform)
  span.end("category" in event ? event.category : event.type === "expired" ? "expired" : undefined)
}

/** How one sender fares, as gauges. */
export const watching = ({ allowance, gateway: { platform }, inHand, sender: { name: sender } }: Desk) => {
  const about = { platform, sender }
  accepted(0, about)
  const show = (name: string, description: string, read: () => number) => gauge(name, description, read, about)
  return shown(() => [
    show("carillon_gateway_messages_in_hand", "Taken, not settled: waiting, being sent, recorded", () => inHand.size),
    show("carillon_gateway_sends_in_flight", "Calls to the platform under way", () => allowance.sending),
    show("carillon_sender_limit_used_ratio", "Of the sends that its limit allows now", () =>
      allowance.used(Date.now())
    ),
    show("carillon_sender_circuit_open", "1 open, 0.5 being probed, 0 closed", () => openness[allowance.circuit.state]),
    show(
      "carillon_sender_recipients_held",
      "Recipients that do not take messages, each probed on its own",
      () => allowance.recipientsHeld
    ),
    show("carillon_sender_paused", "1 while an operator holds it", () => (allowance.orders.paused ? 1 : 0))
  ])
}

/** Whether updates come in, as far as that can be known here. */
export const hearing = ({ platform, sender }: Hearer, failing: () => boolean) => {
  const read = () => Number(failing())
  const about = { platform, sender }
  return shown(() => [gauge("carillon_sender_updates_failing", "1 while it hears nothing from people", read, about)])
}

const openness = { open: 1, "half-open": 0.5, closed: 0 } as const
