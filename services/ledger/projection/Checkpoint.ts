// How far the log is projected. Moving it is the first statement of every batch: it decides which of several ledgers
// projects an event, and makes the others wait until that is done.
import { Effect, Schema } from "effect"
import type { Query } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "../Migrations.ts"

export interface Position {
  readonly sequence: number
  /** When the log was created, in UTC with milliseconds: another log counts from 1 again. */
  readonly log: string
}

/** Another ledger has moved on from the expected position. */
export class Overtaken extends Schema.TaggedError<Overtaken>()("Overtaken", { expected: Schema.Int }) {
  override get message() {
    return `the projection is not at event ${this.expected} any more`
  }
}

const name = "events"

export interface Checkpoint extends Position {
  readonly updatedAt: string
}

/** Undefined before the first ledger began. */
export const checkpoint = (query: Query, schema: SchemaName, lock: "" | "FOR UPDATE" = "") =>
  Effect.map(
    query<Checkpoint>(
      `SELECT position AS sequence, stream_created AS log, updated_at AS "updatedAt"
       FROM ${schema}.projection_checkpoints WHERE name = $1 ${lock}`,
      [name]
    ),
    ([row]) => row
  )

/** Puts the checkpoint at the beginning of a log, if there is none. */
export const begin = (query: Query, schema: SchemaName, log: string) =>
  query(
    `INSERT INTO ${schema}.projection_checkpoints (name, position, stream_created, updated_at)
     VALUES ($1, 0, $2, now()) ON CONFLICT DO NOTHING`,
    [name, log]
  ).pipe(Effect.as<Position>({ sequence: 0, log }))

export const advance = Effect.fnUntraced(function* (query: Query, schema: SchemaName, from: Position, to: Position) {
  const moved = yield* query(
    `UPDATE ${schema}.projection_checkpoints SET position = $4, stream_created = $5, updated_at = now()
     WHERE name = $1 AND position = $2 AND stream_created = $3 RETURNING name`,
    [name, from.sequence, from.log, to.sequence, to.log]
  )
  if (moved.length === 0) return yield* new Overtaken({ expected: from.sequence })
})
