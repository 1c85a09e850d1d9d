// What one run does: which messages, which faults of the platform, what is struck when. Pure: all of it follows from the
// seed, so that a run that failed can be had again.
import { type Change, drawChanges } from "./Changes.ts"
import { drawOrders, type Order } from "./Orders.ts"
import type { Fault, Planned } from "./Planned.ts"
import { pick, randomFrom } from "./Random.ts"
import { drawStrikes, type Strike, type World } from "./Strikes.ts"

export interface Size {
  readonly messages: number
  /** Messages are due, and faults happen, within this time. The end is waited for. */
  readonly seconds: number
}

export interface Plan {
  readonly seed: number
  readonly size: Size
  readonly messages: ReadonlyArray<Planned>
  readonly changes: ReadonlyArray<Change>
  readonly orders: ReadonlyArray<Order>
  readonly world: World
  readonly strikes: ReadonlyArray<Strike>
  /** What happens to the platform's nth request, so long after the start. */
  readonly fault: (nth: number, afterMillis: number) => Fault
}

/** So long before the start of a run the first messages are asked for. */
export const leadMillis = 3_000

/** With this every chat id begins: searched for where it must not be. */
export const chatMark = "88800077"

/** The seed says which world it is, if nobody else does. */
export const planOf = (seed: number, size: Size, given?: World): Plan => {
  const random = randomFrom(seed)
  const drawn: World = random() < 0.4 ? "cluster" : "single"
  const world = given ?? drawn
  const within = size.seconds * 1_000
  const chats = Math.max(5, Math.round(size.messages / 6))
  const messages = Array.from({ length: size.messages }, (_, index): Planned => {
    // Half of them at a few instants that many share, as reminders are.
    const dueAfterMillis = Math.floor(random() < 0.5 ? random() * within : Math.floor(random() * 6) * (within / 6))
    return {
      id: `m-${index}`,
      chatId: `${chatMark}${String(Math.floor(random() * chats)).padStart(5, "0")}`,
      dueAfterMillis,
      askedAfterMillis: random() < 0.5 ? -leadMillis : Math.floor(random() * dueAfterMillis),
      maxLatenessSeconds: pick(random, [8, 600], [1, 3]),
      priority: pick(random, [1, "urgent" as const], [4, "normal" as const], [2, "bulk" as const]),
      unknownOutcome: pick(random, [4, "resend" as const], [1, "hold" as const])
    }
  })
  // A storm of refusals for a tenth of the time, twice.
  const storms = [0.2, 0.6].map((part) => (part + random() * 0.2) * within)
  const stormy = (after: number) => storms.some((from) => after >= from && after < from + within / 10)
  return {
    seed,
    size,
    messages,
    // Of chances of their own: what else a seed draws is as before.
    changes: drawChanges(randomFrom(seed ^ 0x51ed270b), messages),
    orders: drawOrders(randomFrom(seed ^ 0x2545f491), size.seconds),
    world,
    strikes: drawStrikes(random, world, size.seconds),
    fault: (nth, after) => {
      const chance = randomFrom(seed ^ Math.imul(nth + 1, 0x9e3779b1))
      if (stormy(after)) return pick(chance, [6, "throttled"], [4, "none"])
      return pick<Fault>(
        chance,
        [80, "none"],
        [4, "throttled"],
        [3, "reset"],
        [3, "reset after delivery"],
        [2, "half"],
        [3, "html 502"],
        [4, "slow"],
        [1, "blocked"]
      )
    }
  }
}
