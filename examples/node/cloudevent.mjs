// The same as a CloudEvent in structured mode, for systems that speak CloudEvents already.
import { jetstream } from "@nats-io/jetstream"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { command, id, untilAnswered } from "./command.mjs"
import { connection } from "./connection.mjs"

const headers = natsHeaders()
headers.set("content-type", "application/cloudevents+json")
const event = JSON.stringify({
  specversion: "1.0",
  id: `planned-${id}`,
  source: "/clinic/appointments",
  type: "clinic.reminder.planned",
  datacontenttype: "application/json",
  data: command("Hello, CloudEvents")
})

const stored = await untilAnswered(() => jetstream(connection).publish("carillon.command.schedule", event, { headers }))
console.log(`${id}: stored as message ${stored.seq} of ${stored.stream}`)
await connection.drain()
