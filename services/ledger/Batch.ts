// A batch of the log on its way into the tables: read, then written together with its position, all or nothing.
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import type { NatsError } from "#shared/nats/Nats.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { PostgresError } from "#shared/postgres/PostgresErrors.ts"
import { advance, type Position } from "./Checkpoint.ts"
import type { SchemaName } from "./Migrations.ts"
import { project } from "./Project.ts"
import type { Recorded } from "./Timeline.ts"

export const batchSize = 1_000

/** What to do with an event that cannot be read or stored: the projection goes on without it. */
export type OnUnusable<R> = (delivery: Delivery, reason: string) => Effect.Effect<void, NatsError, R>

const decode = decodeWith(Event)

export const readEvent = (delivery: Delivery): Result.Result<Recorded, unknown> =>
  Result.map(decode(delivery.string()), (event) => ({
    event,
    sequence: delivery.seq,
    storedAt: fromMillis(delivery.time.getTime()),
    traceId: traceIdOf(delivery)
  }))

/** Kept for longer than any trace: it tells which one to ask for. */
const traceIdOf = (delivery: Delivery) => /^00-([0-9a-f]{32})-/.exec(delivery.headers?.get("traceparent") ?? "")?.[1]

/** The position after the batch. Fails as Overtaken, with nothing written, when another ledger moved it. */
export const writeBatch = <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Delivery>,
  onUnusable: OnUnusable<R>
) =>
  Effect.gen(function* () {
    const { transaction } = yield* Postgres
    const events = batch.map(readEvent)
    for (const [index, event] of events.entries()) {
      const delivery = batch[index]
      if (delivery && Result.isFailure(event)) yield* onUnusable(delivery, "undecodable")
    }
    const recorded = events.filter(Result.isSuccess).map(({ success }) => success)
    return yield* transaction((query) => writeEvents(query, schema, from, batch, recorded))
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () => new PostgresError({ problem: "a batch was not written within 30 s" })
    })
  )

export const writeEvents = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Delivery>,
  recorded: ReadonlyArray<Recorded>
) {
  const to = { ...from, sequence: batch.at(-1)?.seq ?? from.sequence }
  yield* advance(query, schema, from, to)
  yield* project(query, schema, recorded)
  return to
})

/** The same; a value that Postgres refuses costs only its own event. */
export const writeUsable = Effect.fn("ledger.batch")(function* <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Delivery>,
  onUnusable: OnUnusable<R>
) {
  return yield* writeBatch(schema, from, batch, onUnusable).pipe(
    Effect.catchTag("RefusedByPostgres", () => oneByOne(schema, from, batch, onUnusable))
  )
})

const oneByOne = Effect.fnUntraced(function* <R>(
  schema: SchemaName,
  from: Position,
  batch: ReadonlyArray<Delivery>,
  onUnusable: OnUnusable<R>
) {
  const { transaction } = yield* Postgres
  let at = from
  for (const delivery of batch) {
    at = yield* writeBatch(schema, at, [delivery], onUnusable).pipe(
      Effect.catchTag("RefusedByPostgres", (refused) =>
        Effect.andThen(
          onUnusable(delivery, `refused by Postgres: ${refused.code}`),
          transaction((query) => writeEvents(query, schema, at, [delivery], []))
        )
      )
    )
  }
  return at
})
