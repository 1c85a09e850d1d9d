// What the examples schedule, and how they insist on it.
import { basename } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

// The id is yours, and the same when you run it again: only so is there one message, whatever became of the first try.
const [, script, givenId, dueAt, chatId = "123456789"] = process.argv
if (!givenId || !dueAt) {
  console.error(
    `usage: ${basename(script)} ID DUE_AT [CHAT_ID], say ${basename(script)} appt-4711 2030-01-01T09:00:00Z`
  )
  process.exit(2)
}
export const id = givenId

export const command = (text) => ({
  id,
  platform: "telegram",
  recipient: { chatId },
  content: { type: "text", text },
  dueAt
})

/** What had no answer is said again, with the same bytes: it may have arrived, and the id makes that harmless. */
export const untilAnswered = async (ask, tries = 4) => {
  for (let left = tries; left > 0; left--) {
    try {
      return await ask()
    } catch (error) {
      console.error(`${id}: ${error.message}`)
      if (left > 1) await sleep(1_000)
    }
  }
  console.error(`${id}: not known to be stored: run this again with the same ID`)
  process.exit(1)
}
