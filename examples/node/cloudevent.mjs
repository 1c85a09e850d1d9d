// The same as a CloudEvent in structured mode, for systems that speak CloudEvents already.
import { randomUUID } from "node:crypto"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { connection } from "./connection.mjs"

const [id = `node-${Date.now()}`, dueAt = new Date(Date.now() + 60_000).toISOString(), chatId = "123456789"] =
  process.argv.slice(2)

const headers = natsHeaders()
headers.set("content-type", "application/cloudevents+json")
const event = {
  specversion: "1.0",
  id: randomUUID(),
  source: "/clinic/appointments",
  type: "clinic.reminder.planned",
  datacontenttype: "application/json",
  data: {
    id,
    platform: "telegram",
    recipient: { chatId },
    content: { type: "text", text: "Hello, CloudEvents" },
    dueAt
  }
}

connection.publish("carillon.command.schedule", JSON.stringify(event), { headers })
await connection.drain()
console.log(`${id}: published`)
