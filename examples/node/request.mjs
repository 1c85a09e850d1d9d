// Schedules a message and waits for the answer: accepted, or everything that is wrong with it.
import { command, untilAnswered } from "./command.mjs"
import { connection } from "./connection.mjs"

const body = JSON.stringify(command("Hello from Node"))
const answer = await untilAnswered(async () => {
  const reply = await connection.request("carillon.api.schedule", body, { timeout: 10_000 })
  // Nothing is in it then: the scheduler could not store it.
  if (reply.headers?.get("Nats-Service-Error-Code") === "503") throw new Error("the streams are out of reach")
  return reply.json()
})
console.log(answer)
await connection.drain()
process.exitCode = answer.status === "accepted" ? 0 : 1
