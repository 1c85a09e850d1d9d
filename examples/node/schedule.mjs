// Schedules a message, and knows that it is stored when the acknowledgement comes.
import { jetstream } from "@nats-io/jetstream"
import { command, id, untilAnswered } from "./command.mjs"
import { connection } from "./connection.mjs"

const body = JSON.stringify(command("Hello from Node"))
const stored = await untilAnswered(() => jetstream(connection).publish("carillon.command.schedule", body))
console.log(`${id}: stored as message ${stored.seq} of ${stored.stream}`)
await connection.drain()
