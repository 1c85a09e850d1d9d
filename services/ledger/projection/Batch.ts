// A batch of the log on its way into the tables: read, then written together with its position, all or nothing.
import { Effect, Result, Schema } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { headerOf } from "#shared/nats/messages/Headers.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Postgres, type Writing } from "#shared/postgres/Postgres.ts"
import { PostgresError, RefusedByPostgres } from "#shared/postgres/PostgresErrors.ts"
import type { SchemaName } from "../Migrations.ts"
import { advance, type Position } from "./Checkpoint.ts"
import { project } from "./Project.ts"
import { prepare, type Recorded } from "./Timeline.ts"

/** At most so many events in one transaction: more are hardly cheaper, and keep others waiting longer. */
export const batchSize = 2_000

/** What to do with the event of this sequence, which cannot be read or stored: the projection goes on without it. */
export type OnUnusable<R> = (sequence: number, reason: string) => Effect.Effect<void, NatsError, R>

/**
 * One of the log, read when it comes, while Postgres is busy with those before it. Thousands wait at a time, so of the
 * delivery itself nothing is kept: it holds on to all that came over the connection with it.
 */
export interface Arrived {
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly storedAt: number
  /** Empty if it says nothing of a trace. */
  readonly traceparent: string
  /** Nothing if it cannot be read. */
  readonly recorded: Recorded | undefined
}

const decode = decodeWith(Event)

export const arrived = (delivery: Delivery): Arrived => {
  const { seq: sequence } = delivery
  const storedAt = delivery.time.getTime()
  const traceparent = headerOf(delivery, "traceparent") ?? ""
  const recorded = Result.map(decode(delivery.string()), (event) =>
    prepare({ event, sequence, storedAt: fromMillis(storedAt), traceId: traceIdIn(traceparent) })
  )
  return { sequence, storedAt, traceparent, recorded: Result.getOrUndefined(recorded) }
}

/** Kept for longer than any trace: it tells which one to ask for. */
const traceIdIn = (traceparent: string) => /^00-([0-9a-f]{32})-/.exec(traceparent)?.[1]

export const readable = (batch: ReadonlyArray<Arrived>): ReadonlyArray<Recorded> =>
  batch.flatMap(({ recorded }) => recorded ?? [])

/** The position after the batch. Fails as Overtaken, with nothing written, when another ledger moved it. */
export const writeBatch = <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Arrived>,
  onUnusable: OnUnusable<R>
) =>
  Effect.gen(function* () {
    const { transaction } = yield* Postgres
    for (const { recorded, sequence } of batch) {
      if (!recorded) yield* onUnusable(sequence, "undecodable")
    }
    const recorded = readable(batch)
    const write = (supposedNew: boolean) =>
      transaction((query) =>
        Effect.andThen(
          mayBeForgotten(schema, batch, recorded) ? query("SET LOCAL synchronous_commit TO off") : Effect.void,
          writeEvents(query, schema, from, lastOf(from, batch), recorded, supposedNew)
        )
      )
    // Nearly always all of them are new.
    return yield* write(true).pipe(Effect.catchIf(isThere, () => write(false)))
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => new PostgresError({ problem: "a batch was not written within 30 s" })
    })
  )

/**
 * Whether to commit without waiting for the disk. A Postgres that crashes then forgets the last of these batches whole,
 * with their position, and they are projected again from the log. So it is done while much waits, and for tables that
 * are not read yet. What is erased goes from the log as soon as it is recorded, and must not be forgotten here.
 */
const mayBeForgotten = (schema: SchemaName, batch: ReadonlyArray<Arrived>, recorded: ReadonlyArray<Recorded>) =>
  schema === "carillon_rebuild" || (batch.length >= batchSize && !recorded.some(({ event }) => event.type === "erased"))

const lastOf = (from: Position, batch: ReadonlyArray<Arrived>) => batch.at(-1)?.sequence ?? from.sequence

const isThere = (error: unknown) => Schema.is(RefusedByPostgres)(error) && error.code === "23505"

/** `last`: the sequence of the last event that is dealt with, whether or not it could be read. */
export const writeEvents = Effect.fnUntraced(function* (
  query: Writing,
  schema: SchemaName,
  from: Position,
  last: number,
  recorded: ReadonlyArray<Recorded>,
  supposedNew = false
) {
  const to = { ...from, sequence: last }
  yield* advance(query, schema, from, to)
  yield* project(query, schema, recorded, supposedNew)
  return to
})

/** The same; a value that Postgres refuses costs only its own event. */
export const writeUsable = Effect.fn("ledger.batch")(function* <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Arrived>,
  onUnusable: OnUnusable<R>
) {
  return yield* writeBatch(schema, from, batch, onUnusable).pipe(
    Effect.catchTag("RefusedByPostgres", () => oneByOne(schema, from, batch, onUnusable))
  )
})

const oneByOne = Effect.fnUntraced(function* <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Arrived>,
  onUnusable: OnUnusable<R>
) {
  const { transaction } = yield* Postgres
  let at = from
  for (const one of batch) {
    at = yield* writeBatch(schema, at, [one], onUnusable).pipe(
      Effect.catchTag("RefusedByPostgres", (refused) =>
        Effect.andThen(
          onUnusable(one.sequence, `refused by Postgres: ${refused.code}`),
          transaction((query) => writeEvents(query, schema, at, one.sequence, []))
        )
      )
    )
  }
  return at
})
