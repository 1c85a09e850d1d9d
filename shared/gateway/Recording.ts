// The third step of a gateway: what became of each message goes into the log, and then its delivery is settled.
import { Effect, Queue } from "effect"
import { persistently } from "#shared/nats/Persistently.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { type Desk, gatherMillis } from "./Desk.ts"
import { ended } from "./Observed.ts"
import { hearRefusal } from "./Updates.ts"

/** Runs until interrupted. */
export const recordOutcomes = Effect.fnUntraced(function* ({ hearer, inHand, outcomes, sender, signal, turns }: Desk) {
  const { append } = yield* Publisher
  while (true) {
    const batch = yield* Queue.takeBetween(outcomes, 1, 500)
    yield* persistently(
      append(
        batch.map(({ event }) => event),
        undefined,
        batch.map(({ entry }) => entry.span.headers)
      )
    )
    for (const { entry, event } of batch) {
      if (event.type === "part-sent") {
        entry.partsSent++
        turns.add(entry)
        turns.ended(entry.recipient)
      } else {
        // Only who hears of it may take it back later.
        if (event.type === "attempt-failed" && event.reason === "bot-blocked" && sender.inbound)
          yield* persistently(hearRefusal(hearer, event, entry.to))
        ended(entry, event)
        entry.delivery.ack()
        inHand.settled(entry)
      }
    }
    signal()
    yield* Effect.sleep(gatherMillis)
  }
})
