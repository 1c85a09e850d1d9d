// Hears what patients do: links, replies to buttons, STOP. A durable consumer: what happens while this does not run is
// not missed. INBOUND_CONSUMER names it (default clinic-inbound); every system that listens needs a name of its own.
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connection } from "./connection.mjs"

const durable = process.env.INBOUND_CONSUMER ?? "clinic-inbound"
const types = [
  "recipient-linked",
  "recipient-unlinked",
  "recipient-blocked",
  "recipient-unblocked",
  "reply-received",
  "opted-out",
  "opted-in"
]

const manager = await jetstreamManager(connection)
await manager.consumers.add("EVENTS", {
  durable_name: durable,
  ack_policy: "explicit",
  filter_subjects: types.map((type) => `carillon.event.${type}.*`)
})
const consumer = await jetstream(connection).consumers.get("EVENTS", durable)

for await (const message of await consumer.consume()) {
  const event = message.json()
  // The same event may be delivered twice: this id is then the same.
  const eventId = message.headers.get("ce-id")
  const who = event.contact ?? event.contacts.join(", ")
  switch (event.type) {
    case "reply-received":
      console.log(`${eventId}: ${who} answered ${event.reply} to ${event.id ?? "a message long ago"}`)
      break
    case "opted-out":
      console.log(`${eventId}: ${who} wants no more messages: cancel what is scheduled`)
      break
    default:
      console.log(`${eventId}: ${who} ${event.type}`)
  }
  // Only when it is dealt with: else it comes again.
  message.ack()
}
