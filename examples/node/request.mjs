// Schedules a message and waits for the answer: accepted, or everything that is wrong with it.
import { connection } from "./connection.mjs"

const [id = `node-${Date.now()}`, dueAt = new Date(Date.now() + 60_000).toISOString(), chatId = "123456789"] =
  process.argv.slice(2)

const reply = await connection.request(
  "carillon.api.schedule",
  JSON.stringify({
    id,
    platform: "telegram",
    recipient: { chatId },
    content: { type: "text", text: "Hello from Node" },
    dueAt
  }),
  { timeout: 10_000 }
)
const answer = reply.json()
console.log(answer)
await connection.drain()
process.exitCode = answer.status === "accepted" ? 0 : 1
