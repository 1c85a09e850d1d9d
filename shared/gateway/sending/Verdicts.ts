// Whether what a gateway has to say of an attempt is still for it to say: it may have been frozen, or cut off from NATS, in
// the middle of a call, and been replaced, and others have decided meanwhile what follows.
import { Effect } from "effect"
import { attemptEventId, eventId } from "#shared/contract/CloudEvents.ts"
import type { Event } from "#shared/contract/Events.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { sentAfterAll } from "#shared/nats/stores/SentAfterAll.ts"
import type { Lease } from "../sender/Lease.ts"
import type { Entry } from "./Entry.ts"
import { endings } from "./GatewayEvents.ts"

export type Verdict =
  | "say"
  /** The attempt has its end in the log: nothing is added. */
  | "ended"
  /** Another has the message, or will be given it, and goes on from what the log says. */
  | "another's"

export interface ToSay {
  readonly entry: Pick<Entry, "attempt" | "intent"> & { readonly delivery: Pick<Delivery, "redelivered" | "time"> }
  readonly event: Event
}

/** One for each, by what the log says now: to be asked right before they are recorded. */
export const verdictsOn = (lease: Lease, batch: ReadonlyArray<ToSay>) =>
  lease.holds() ? whileActive(batch) : onceReplaced(lease, batch)

/**
 * What was sent after all has not expired. What failed is on record in any case, as the dispatcher looks; but not of who was
 * erased while we were away, or had it in hand for long.
 */
const whileActive = Effect.fnUntraced(function* (batch: ReadonlyArray<ToSay>) {
  const { idsSince } = yield* EventLog
  const sent = yield* sentAfterAll(
    batch.flatMap(({ entry, event }) => (event.type === "expired" ? [entry.attempt] : []))
  )
  const back = batch.filter(({ entry, event }) => event.type === "attempt-failed" && entry.delivery.redelivered)
  const erased = yield* idsSince(["erased"], sinceOf(back), { oneOfEach: back.map((one) => [erasedOf(one)]) })
  return batch.map((one): Verdict => {
    const { entry, event } = one
    if (event.type === "expired") return sent.has(entry.attempt.message.id) ? "ended" : "say"
    return erased.has(erasedOf(one)) && !arrived(event) ? "ended" : "say"
  })
})

const sinceOf = (batch: ReadonlyArray<ToSay>) => Math.min(...batch.map(({ entry }) => entry.delivery.time.getTime()))
const erasedOf = ({ entry }: ToSay) => attemptEventId(entry.attempt.message.id, undefined, "erased")

const onceReplaced = Effect.fnUntraced(function* (lease: Lease, batch: ReadonlyArray<ToSay>) {
  const { idsSince } = yield* EventLog
  const taken = yield* lease.taken
  const about = new Set(batch.map(({ entry }) => entry.attempt.message.id))
  const said = yield* idsSince([...endings, "part-sent", "erased"], sinceOf(batch), { about })
  return batch.map((one): Verdict => {
    const { entry, event } = one
    const { attempt, intent } = entry
    if (said.has(eventId(event))) return "ended"
    // That the platform has it nobody else knows.
    if (arrived(event)) return "say"
    if (endings.some((type) => said.has(attemptEventId(attempt.message.id, attempt.attempt, type)))) return "ended"
    if (said.has(erasedOf(one))) return "ended"
    return intent === "ours" || (intent === "late" && !taken) ? "say" : "another's"
  })
})

const arrived = ({ type }: Event) => type === "sent" || type === "part-sent"
