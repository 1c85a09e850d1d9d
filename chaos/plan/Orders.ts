// What an operator orders meanwhile, of a sender that nothing is sent by: held and let go in quick succession. Whatever is
// struck, the last order stands.
import type { Random } from "./Random.ts"

export interface Order {
  readonly name: "pause" | "resume"
  /** Of a resume; each has another. */
  readonly perSecond?: number
  /** From the start of the run. */
  readonly askedAfterMillis: number
}

/** An order, and its place among the commands. */
export interface Ordered {
  readonly order: Order
  readonly sequence: number
}

export const orderedSender = "spare"

const everySeconds = 3

export const drawOrders = (random: Random, seconds: number): ReadonlyArray<Order> =>
  Array.from({ length: Math.ceil(seconds / everySeconds) }, (_, nth): ReadonlyArray<Order> => {
    const first = Math.floor((nth + random()) * everySeconds * 1_000)
    const next = first + Math.floor(random() * 300)
    return [
      { name: "pause", askedAfterMillis: first },
      { name: "resume", perSecond: nth + 1, askedAfterMillis: next }
    ]
  }).flat()
