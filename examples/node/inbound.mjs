// Hears what patients do: links, replies to buttons, STOP. INBOUND_CONSUMER names its consumer, which is its user's name too
// where NATS has users; every system that listens needs one of its own.
import { follow } from "./follow.mjs"

const types = [
  "recipient-linked",
  "recipient-unlinked",
  "recipient-blocked",
  "recipient-unblocked",
  "reply-received",
  "opted-out",
  "opted-in"
]

await follow(process.env.INBOUND_CONSUMER ?? "clinic-inbound", types, (event, eventId) => {
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
})
