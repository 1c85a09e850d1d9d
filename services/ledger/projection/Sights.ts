// Tells whether the log went back to an earlier state of itself, as where an older NATS was put back: by what stood where
// something was read. More may have come since than was lost, so that its end says nothing.
import { Effect, Option } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

interface Sight {
  readonly sequence: number
  readonly storedAt: number
  readonly log: string
  readonly during: string
}

/** Some seconds of a log that nobody could look at. */
const mostKept = 20

export const sights = Effect.map(Nats, ({ presentSince }) => {
  const kept: Array<Sight> = []
  let gone = false
  return {
    /** The last that was read, of each second and each connection: without a new one NATS is not put back within a second. */
    note: (log: string, { sequence, storedAt }: Pick<Sight, "sequence" | "storedAt">) => {
      const during = `${presentSince()} ${Math.floor(Date.now() / 1_000)}`
      if (kept.at(-1)?.during === during) kept.pop()
      kept.push({ sequence, storedAt, log, during })
      if (kept.length > mostKept) kept.shift()
    },
    /** Looks whether each of them is where it was. Of those that are, the newest is looked at again. */
    look: Effect.fnUntraced(function* ({ created, last }: { readonly created: string; readonly last: number }) {
      const log = yield* EventLog
      const looked = kept.filter((one) => one.log === created)
      for (const { sequence, storedAt } of looked) {
        const found = yield* log.at("EVENTS", sequence)
        // What was erased or has grown too old is nowhere.
        gone ||= last < sequence || Option.exists(found, (there) => Math.abs(there.storedAt - storedAt) > 1)
        if (gone) return
      }
      const newest = looked.at(-1)
      while (newest && kept[0] && kept[0] !== newest && looked.includes(kept[0])) kept.shift()
    }),
    /** Until the log is begun anew: what was seen of it before counts for nothing then. */
    wentBack: () => gone,
    begunAnew: () => {
      if (gone) kept.splice(0)
      gone = false
    }
  }
})
export type Sights = Effect.Success<typeof sights>
