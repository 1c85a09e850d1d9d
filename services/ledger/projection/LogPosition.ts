// Where in the log to go on: after the checkpoint, or anew when the log is not the one the checkpoint speaks of.
import { Effect, Option } from "effect"
import { streams } from "#shared/nats/layout/Topology.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { advance, begin, checkpoint, type Position } from "./Checkpoint.ts"

/** The sequence of the newest event; 0 for none. */
export const newest = Effect.gen(function* () {
  const log = yield* EventLog
  const last = yield* log.last("EVENTS", streams.EVENTS.subjects[0])
  return Option.match(last, { onNone: () => 0, onSome: ({ sequence }) => sequence })
})

/** `wentBack`: it was seen to be an earlier state of itself, whatever its extent says by now. */
export const startingPoint = Effect.fn("ledger.startingPoint")(function* (wentBack: boolean) {
  const log = yield* EventLog
  const { query, transaction } = yield* Postgres
  // In this order: another ledger may be moving the checkpoint, but never past what the log then has.
  const found = yield* checkpoint(query, "carillon")
  const { created, first, last } = yield* log.extent
  const beginning: Position = { sequence: 0, log: created }
  const at: Position = found ?? (yield* begin(query, "carillon", beginning.log))
  if (at.log !== beginning.log || at.sequence > last || wentBack) {
    yield* Effect.logWarning(
      `The event log is not the one that was projected up to event ${at.sequence}: projecting it from its beginning. Rows are kept.`
    )
    yield* transaction((query) => advance(query, "carillon", at, beginning))
    return beginning
  }
  if (first > at.sequence + 1 && last > at.sequence) {
    yield* Effect.logWarning(
      `${first - at.sequence - 1} events left the log before they were projected (${at.sequence + 1} to ${first - 1}): their messages may lack a row or a step. What still waits among them is found by carillon ledger rebuild.`
    )
  }
  return { sequence: at.sequence, log: at.log } satisfies Position
})
