// What is changed of messages while they wait: cancelled, or put off, some of them twice in a row.
import type { Planned } from "./Planned.ts"
import { pick, type Random } from "./Random.ts"

export interface Change {
  readonly id: string
  readonly name: "cancel" | "reschedule"
  /** From the start of the run. */
  readonly askedAfterMillis: number
  /** Of a reschedule, when it is due then. */
  readonly dueAfterMillis: number
}

/** A change, and its place among the commands. */
export interface Changed {
  readonly change: Change
  readonly sequence: number
}

export const drawChanges = (random: Random, messages: ReadonlyArray<Planned>): ReadonlyArray<Change> =>
  messages.flatMap(({ askedAfterMillis, dueAfterMillis, id }): ReadonlyArray<Change> => {
    // Up to a second after it was due: then it is too late.
    const first = Math.floor(askedAfterMillis + random() * (dueAfterMillis + 1_000 - askedAfterMillis))
    const next = first + Math.floor(random() * 300)
    const cancel = (at: number): Change => ({ id, name: "cancel", askedAfterMillis: at, dueAfterMillis })
    const reschedule = (at: number): Change => ({
      id,
      name: "reschedule",
      askedAfterMillis: at,
      dueAfterMillis: at + 3_000 + Math.floor(random() * 8_000)
    })
    return pick(
      random,
      [75, []],
      [8, [cancel(first)]],
      [8, [reschedule(first)]],
      [5, [reschedule(first), reschedule(next)]],
      [4, [reschedule(first), cancel(next)]]
    )
  })
