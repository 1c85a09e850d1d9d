// What must come of each order that an operator gives.
import { isDeepStrictEqual } from "node:util"
import { orderedSender } from "../plan/Orders.ts"
import { type Finding, finding, placeOf } from "./Finding.ts"
import type { Ran } from "./Ran.ts"

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
