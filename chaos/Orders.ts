// What an operator orders meanwhile, of a sender that nothing is sent by: held and let go in quick succession. Whatever is
// struck, the last order stands.
import { isDeepStrictEqual } from "node:util"
import { type Finding, finding, placeOf } from "./Finding.ts"
import type { Random } from "./Random.ts"
import type { Ran } from "./Run.ts"

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

/** Each order is carried out or refused aloud, and of those that were carried out the last one stands. */
export const ordersStand = ({ evidence: { events, standing }, ordered }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("the last order stands")
  const answered = new Set(
    events.filter(({ type }) => type === "orders-changed" || type === "rejected").map((one) => placeOf(one))
  )
  const [last] = events
    .filter(({ sender, type }) => type === "orders-changed" && sender === orderedSender)
    .toSorted((a, b) => placeOf(b) - placeOf(a))
  return [
    ...ordered.flatMap(({ order: { name }, sequence }) =>
      answered.has(sequence) ? [] : [broken(`nothing came of command ${sequence}, to ${name} a sender`)]
    ),
    ...(last && !isDeepStrictEqual(last.orders, standing)
      ? [broken(`command ${placeOf(last)} was the last order, and another one stands`)]
      : [])
  ]
}
