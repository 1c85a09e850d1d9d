// Never early, and never past its deadline, by the instant that stood when a call was begun: a message may be rescheduled between
// two tries, and the first was not early by that.
import { wrongBy } from "../faults/MachineFaults.ts"
import { textOf } from "../world/World.ts"
import type { Seen } from "./Evidence.ts"
import { type Finding, finding, groupById } from "./Finding.ts"
import type { Ran } from "./Ran.ts"

/** When it was due, for each intent of a message, in their order: as it was scheduled, or rescheduled last before. */
const dueAtIntents = (events: ReadonlyArray<Seen>, scheduledFor: number): ReadonlyArray<number> => {
  let due = scheduledFor
  // Said again it is the same intent, with the instant that stood when it was said first.
  const intents = new Map<number | undefined, number>()
  for (const { attempt, dueAt, type } of events) {
    if (type === "rescheduled" && dueAt !== undefined) due = Date.parse(dueAt)
    if (type === "send-started" && !intents.has(attempt)) intents.set(attempt, due)
  }
  return [...intents.values()]
}

/** Of so many calls the one with this index: intents may have had no call, so that it may be of several. */
const dueAtCall = (intents: ReadonlyArray<number>, index: number, calls: number) => {
  const without = Math.max(0, intents.length - calls)
  const dues = intents.slice(index, index + without + 1)
  return { earliest: Math.min(...dues), latest: Math.max(...dues) }
}

export const inTime = ({ dueAt, evidence: { arrived, events, left }, plan, struck }: Ran): ReadonlyArray<Finding> => {
  // A gateway goes by its own clock: where that is wrong, so is the instant, by as much.
  const wrong = struck.flatMap((strike) =>
    strike.kind === "clock" && strike.victim.startsWith("telegram-gateway") ? [wrongBy[strike.how] * 1_000] : []
  )
  const [early, overdue] = [Math.max(0, ...wrong), -Math.min(0, ...wrong)]
  const byId = groupById<Seen>(events)
  const messages = new Map(plan.messages.map((message) => [message.id, message]))
  const known = new Map(plan.messages.map(({ chatId, id }) => [textOf(id), chatId]))
  return [
    ...arrived.flatMap(({ chatId, text }) =>
      known.get(text) === chatId ? [] : [finding("only what was scheduled")("something arrived that nobody scheduled")]
    ),
    ...[...groupById(left)].flatMap(([id, calls]) => {
      const message = messages.get(id)
      if (!message) return [finding("only what was scheduled")("something was sent that nobody scheduled")]
      const intents = dueAtIntents(byId.get(id) ?? [], dueAt.get(id) ?? 0)
      return calls
        .map(({ at }) => at)
        .toSorted((a, b) => a - b)
        .flatMap((at, index) => {
          const { earliest, latest } = dueAtCall(intents, index, calls.length)
          if (at < earliest - early)
            return [finding("never early")(`${id} was sent ${(earliest - at).toFixed(1)} ms early`)]
          const late = at - latest - message.maxLatenessSeconds * 1_000
          // The clock is looked at just before the call; it takes a moment to come to where we look.
          return late > 250 + overdue
            ? [finding("not past its deadline")(`${id} was sent ${Math.round(late)} ms too late`)]
            : []
        })
    })
  ]
}
