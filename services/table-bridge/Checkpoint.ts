// How far a bridge has read the event log. Moving it is the first statement of every batch: of several bridges one
// applies an event, and what follows from it commits together with the position.
import { Effect, Schema } from "effect"
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

/** Where to go on. A log made anew, or one not read before, is read from its beginning: saying an event twice is harmless. */
export const startingPoint = Effect.fnUntraced(function* (query: Query, name: string, log: string) {
  yield* query(
    `INSERT INTO carillon_outbox.checkpoints (name, position, stream_created) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING`,
    [name, log]
  )
  const [found] = yield* query<Position>(
    `UPDATE carillon_outbox.checkpoints SET position = CASE stream_created WHEN $2 THEN position ELSE 0 END,
       stream_created = $2 WHERE name = $1 RETURNING position AS sequence, stream_created AS log`,
    [name, log]
  )
  return found ?? { sequence: 0, log }
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
