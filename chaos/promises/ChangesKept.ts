// What must come of each change of a message that waits.
import type { Seen } from "./Evidence.ts"
import { type Finding, finding, groupById, placeOf } from "./Finding.ts"
import type { Ran } from "./Ran.ts"

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
