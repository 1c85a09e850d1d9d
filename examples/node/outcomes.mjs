// Hears what became of messages. OUTCOMES_CONSUMER names its consumer, which is its user's name too where NATS has users.
import { follow } from "./follow.mjs"

const types = ["sent", "failed", "unknown", "expired", "cancelled", "rejected", "resolved", "discarded"]

await follow(process.env.OUTCOMES_CONSUMER ?? "clinic-outcomes", types, (event, eventId) => {
  // Yours is a row with the message's id as its key. Nobody was told yet of what was rejected, failed or expired.
  console.log(`${eventId}: ${event.id ?? event.series ?? "a command without an id"} ${event.type}`)
})
