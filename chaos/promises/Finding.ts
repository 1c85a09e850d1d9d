// A promise that was broken; and how events are looked through for such. Pure.
import type { Seen } from "./Evidence.ts"

export interface Finding {
  readonly promise: string
  readonly what: string
}

export const finding =
  (promise: string) =>
  (what: string): Finding => ({ promise, what })

export const groupById = <A extends { readonly id?: string }>(
  all: ReadonlyArray<A>
): ReadonlyMap<string, ReadonlyArray<A>> =>
  Map.groupBy(
    all.filter(({ id }) => id !== undefined),
    ({ id }) => id as string
  )

/** What is said again is the same event, by its id: NATS that is killed may forget that it had it. */
export const saidOnce = (events: ReadonlyArray<Seen>): ReadonlyArray<Seen> => [
  ...new Map(events.map((one) => [`${one.type} of attempt ${one.attempt ?? "none"}`, one])).values()
]

/** Of the command that it came of: its place among the commands. Not a number if it came of none. */
export const placeOf = ({ cause }: Seen) => Number(cause?.split("-")[1])
