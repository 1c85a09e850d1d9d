// What is looked at once more before an intent is stored, for much may have been decided while a message was in hand:
// whether an earlier try of it was sent after all, and which chat its contact has now.
import { Effect } from "effect"
import { addressOf } from "#shared/contract/fields/Fields.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { sentAfterAll } from "#shared/nats/stores/SentAfterAll.ts"
import type { Desk } from "../sender/Desk.ts"
import { type Begun, leaveOut, putBack } from "./Begun.ts"
import type { Entry } from "./Entry.ts"
import { failedEvent, linkedAnewEvent, notLinked } from "./GatewayEvents.ts"
import { lookUp } from "./LookUp.ts"

/** Longer than a message is in hand that goes on time: the others wait for a limit, a brake or an operator. */
const lookHoldsMillis = 3_000

export const needsSecondLook = ({ attempt, lookedUpAt }: Entry, now: number) =>
  attempt.interruptedSince !== undefined ||
  // Ahead of us, if the clock was set back.
  (lookedUpAt !== undefined && Math.abs(now - lookedUpAt) > lookHoldsMillis)

/** Those that are to be sent all the same. */
export const stillToSend = Effect.fnUntraced(function* (desk: Desk, begun: ReadonlyArray<Begun>) {
  const { hearer, inHand, lease, now, record, signal } = desk
  const attempts = begun.map(({ entry }) => entry.attempt)
  const sent = yield* persistently(sentAfterAll(attempts))
  const lookedUpAt = now()
  const chats = yield* persistently(lookUp(hearer, attempts))
  const left: Array<Begun> = []
  for (const one of begun) {
    const { entry } = one
    const { attempt, partsSent, sendAt } = entry
    const { id, recipient } = attempt.message
    const to = recipient.contact === undefined ? entry.to : chats.get(recipient.contact)
    if (sent.has(id)) {
      yield* Effect.logInfo(`${id}: was sent after all: attempt ${attempt.attempt} is left out`)
      leaveOut(desk, one)
      entry.span.end()
      entry.delivery.ack()
      inHand.settled(entry)
    } else if (!lease.holds()) putBack(desk, one)
    else if (!to) {
      leaveOut(desk, one)
      record(entry, failedEvent(attempt, partsSent, notLinked, now()))
    } else if (addressOf(to) !== entry.recipient) {
      leaveOut(desk, one)
      record(entry, linkedAnewEvent(attempt, Math.max(0, sendAt - now()), now()))
    } else {
      if (recipient.contact !== undefined) entry.lookedUpAt = lookedUpAt
      left.push(one)
    }
  }
  signal()
  return left
})
