// What is changed of messages while they wait: cancelled, or put off, some of them twice in a row. And what must come of it.
import type { Seen } from "./Evidence.ts"
import { type Finding, finding, groupById, placeOf } from "./Finding.ts"
import type { Planned } from "./Plan.ts"
import { pick, type Random } from "./Random.ts"
import type { Ran } from "./Run.ts"

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

/** When each message was due in the end: as it was scheduled, or as the log says that it was rescheduled last. */
export const dueInTheEnd = ({ dueAt, evidence: { events } }: Ran): ReadonlyMap<string, number> =>
  new Map([
    ...dueAt,
    ...events.flatMap(({ dueAt, id, type }) =>
      type === "rescheduled" && id !== undefined && dueAt !== undefined ? [[id, Date.parse(dueAt)] as const] : []
    )
  ])

/** Each change is carried out or refused aloud, those of one message in the order in which they were asked for. */
export const changesKept = ({ changed, evidence: { events } }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("changes are carried out in their order, or refused")
  const byId = groupById<Seen>(events)
  return [
    ...changed.flatMap(({ change: { id, name }, sequence }) => {
      const answered = (byId.get(id) ?? []).some(
        (one) =>
          (name === "cancel" && (one.type === "cancelled" || one.type === "discarded")) ||
          ((one.type === "rescheduled" || one.type === "rejected") && placeOf(one) === sequence)
      )
      return answered ? [] : [broken(`nothing came of command ${sequence}, to ${name} ${id}`)]
    }),
    ...[...byId].flatMap(([id, mine]) => {
      const places = new Set(mine.filter(({ type }) => type === "rescheduled").map(placeOf))
      const inOrder = [...places].every((place, index, all) => index === 0 || place > (all[index - 1] as number))
      return inOrder ? [] : [broken(`${id} was rescheduled by commands ${[...places].join(", ")}, in this order`)]
    })
  ]
}
