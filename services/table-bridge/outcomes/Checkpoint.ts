// How far a bridge has read the event log. Moving it is the first statement of every batch: of several bridges one
// applies an event, and what follows from it commits together with the position.
import { Effect, Schema } from "effect"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import type { Query } from "#shared/postgres/Postgres.ts"

export interface Position {
  readonly sequence: number
  /** When the log was created: another one counts from 1 again. */
  readonly log: string
}

/** Another bridge has moved on. */
export class Overtaken extends Schema.TaggedError<Overtaken>()("Overtaken", { expected: Schema.Int }) {
  override get message() {
    return `the event log is read past event ${this.expected} already`
  }
}

/**
 * Where to go on. A log made anew, or put back to an earlier state, or not read before, is read from its beginning: saying an
 * event twice is harmless.
 */
export const startingPoint = Effect.fnUntraced(function* (query: Query, name: string) {
  const { extent } = yield* EventLog
  // In this order: another bridge may be moving the checkpoint, but never past what the log then has.
  const [found] = yield* query<Position>(
    "SELECT position AS sequence, stream_created AS log FROM carillon_outbox.checkpoints WHERE name = $1",
    [name]
  )
  const { created, last } = yield* extent
  if (found?.log === created && found.sequence <= last) return found
  yield* query(
    `INSERT INTO carillon_outbox.checkpoints AS known (name, position, stream_created) VALUES ($1, 0, $2)
     ON CONFLICT (name) DO UPDATE SET position = 0, stream_created = $2
       WHERE known.position = $3 AND known.stream_created = $4`,
    [name, created, found?.sequence ?? null, found?.log ?? null]
  )
  return { sequence: 0, log: created } satisfies Position
})

export const advance = Effect.fnUntraced(function* (query: Query, name: string, from: Position, sequence: number) {
  const moved = yield* query(
    `UPDATE carillon_outbox.checkpoints SET position = $4
     WHERE name = $1 AND position = $2 AND stream_created = $3 RETURNING name`,
    [name, from.sequence, from.log, sequence]
  )
  if (moved.length === 0) return yield* new Overtaken({ expected: from.sequence })
  return { ...from, sequence } satisfies Position
})
