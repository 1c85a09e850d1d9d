// Schedules a message, and knows that it is stored when the acknowledgement comes.
import { jetstream } from "@nats-io/jetstream"
import { connection } from "./connection.mjs"

const [id = `node-${Date.now()}`, dueAt = new Date(Date.now() + 60_000).toISOString(), chatId = "123456789"] =
  process.argv.slice(2)

const stored = await jetstream(connection).publish(
  "carillon.command.schedule",
  JSON.stringify({
    id,
    platform: "telegram",
    recipient: { chatId },
    content: { type: "text", text: "Hello from Node" },
    dueAt
  })
)
console.log(`${id}: stored as message ${stored.seq} of ${stored.stream}`)
await connection.drain()
