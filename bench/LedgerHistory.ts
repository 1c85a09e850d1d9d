// What the log says of many messages that are scheduled, and later sent at the first try.
import type { Attempt, Event, Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"

const start = Date.UTC(2026, 10, 1, 9)

/** Messages that are accepted together, and due together. */
const wave = 5_000
/** So many leave the dispatcher, and the gateway, in one step. */
const step = 100

/** Four events a message: those of one wave go out while the next one is accepted. */
export const history = (name: string, count: number): ReadonlyArray<Event> => {
  const waves = Array.from({ length: Math.ceil(count / wave) }, (_, index) =>
    Array.from({ length: Math.min(wave, count - index * wave) }, (_, place) => index * wave + place)
  )
  return waves.flatMap((numbers) => [
    ...numbers.map((number) => scheduled(name, number)),
    ...stepsOf(numbers).flatMap((few) => [
      ...few.map((number) => dispatched(name, number)),
      ...few.map((number) => started(name, number)),
      ...few.map((number) => sent(name, number))
    ])
  ])
}

const stepsOf = (numbers: ReadonlyArray<number>) =>
  Array.from({ length: Math.ceil(numbers.length / step) }, (_, index) =>
    numbers.slice(index * step, (index + 1) * step)
  )

const at = (number: number, seconds: number) => fromMillis(start + number * 20 + seconds * 1_000)

const messageOf = (name: string, number: number): Message => ({
  // Ids of publishers are rarely in any order.
  id: `appt-${((number * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, "0")}-${name}-${number}`,
  platform: "telegram",
  sender: "default",
  recipient: { chatId: String(1_000_000 + number) },
  content: { type: "text", text: "Please take your medicine now: one tablet, with a glass of water. Your clinic." },
  kind: "medication",
  dueAt: at(number, 3_600),
  expiresAt: at(number, 7_200),
  priority: "normal",
  unknownOutcome: "resend",
  metadata: { ward: String(number % 40), source: "clinic-system" }
})

const attempt = (name: string, number: number): Attempt => ({
  message: messageOf(name, number),
  attempt: 1,
  failures: 0,
  sendAt: at(number, 3_600),
  possibleDuplicate: false
})

const scheduled = (name: string, number: number): Event => ({
  type: "scheduled",
  at: at(number, 0),
  message: messageOf(name, number),
  cause: `command-${number}-${start}`
})
const dispatched = (name: string, number: number): Event => ({
  type: "dispatched",
  at: at(number, 3_598),
  ...attempt(name, number)
})
const about = (name: string, number: number) => {
  const { id, platform, recipient, sender } = messageOf(name, number)
  return { id, platform, attempt: 1, sender, recipient, possibleDuplicate: false }
}
const started = (name: string, number: number): Event => ({
  type: "send-started",
  at: at(number, 3_600),
  ...about(name, number)
})
const sent = (name: string, number: number): Event => {
  const { recipient: _, ...rest } = about(name, number)
  return {
    type: "sent",
    at: at(number, 3_600.1),
    ...rest,
    dueAt: at(number, 3_600),
    sentAt: at(number, 3_600.1),
    providerMessageId: String(number)
  }
}
