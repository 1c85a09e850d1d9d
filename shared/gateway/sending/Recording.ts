// The third step of a gateway: what became of each message goes into the log, and then its delivery is settled.
import { Effect, Queue } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { hearRefusal } from "../people/Updates.ts"
import { type Desk, gatherMillis, type Recorded } from "../sender/Desk.ts"
import { ended } from "./Observed.ts"
import { type Verdict, verdictsOn } from "./Verdicts.ts"

/** Runs until interrupted. */
export const recordOutcomes = Effect.fnUntraced(function* (desk: Desk) {
  const { outcomes, signal } = desk
  while (true) {
    const batch = yield* Queue.takeBetween(outcomes, 1, 500)
    const verdicts = yield* persistently(say(desk, batch))
    for (const [index, recorded] of batch.entries()) yield* settle(desk, recorded, verdicts[index] as Verdict)
    signal()
    yield* Effect.sleep(gatherMillis(batch.length))
  }
})

const say = Effect.fnUntraced(function* (desk: Desk, batch: ReadonlyArray<Recorded>) {
  const { append } = yield* Publisher
  const verdicts = yield* verdictsOn(desk.lease, batch)
  const ours = batch.filter((_, index) => verdicts[index] === "say")
  yield* append(
    ours.map(({ event }) => event),
    undefined,
    ours.map(({ entry }) => entry.span.headers)
  )
  return verdicts
})

const settle = Effect.fnUntraced(function* (desk: Desk, { entry, event }: Recorded, verdict: Verdict) {
  const { hearer, inHand, sender, turns } = desk
  if (verdict === "another's") {
    entry.span.end()
    entry.delivery.nak()
    return inHand.settled(entry)
  }
  if (event.type === "part-sent") {
    entry.partsSent++
    entry.intent = undefined
    turns.add(entry)
    return turns.ended(entry.recipient)
  }
  if (event.type === "attempt-failed") {
    if (verdict === "ended") yield* tellDropped(entry.attempt, event.reason)
    // Only who hears of it may take it back later.
    else if (event.reason === "bot-blocked" && sender.inbound) yield* persistently(hearRefusal(hearer, event, entry.to))
  }
  ended(entry, event)
  entry.delivery.ack()
  inHand.settled(entry)
})

/** An operator who decides what became of it may want to know. */
const tellDropped = ({ attempt, message: { id } }: Attempt, reason: string) =>
  Effect.logInfo(`${id}: attempt ${attempt} had ended in the log before its outcome was known here: ${reason}`)
