// Makes the projection anew from the log, in a schema beside the one that is read, and puts it in its place in one step.
import { Effect, Result, Schema } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { migrate } from "../Migrations.ts"
import { type Arrived, arrived, batchSize, readable, writeEvents, writeUsable } from "../projection/Batch.ts"
import { advance, begin, checkpoint, type Position } from "../projection/Checkpoint.ts"
import { newest } from "../projection/LogPosition.ts"
import { tables } from "../projection/Tables.ts"
import { alone } from "./Alone.ts"
import { keepOlder } from "./Older.ts"
import { dependents, swapTables } from "./Swap.ts"
import { addWaiting } from "./Waiting.ts"

export class RebuildRefused extends Schema.TaggedError<RebuildRefused>()("RebuildRefused", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

export interface Progress {
  /** Sequence of the last event that is projected anew, and of the newest one there is. */
  readonly position: number
  readonly last: number
  /** Events that could not be read or stored: the ledger put them in quarantine when they came. */
  readonly unusable: number
}

export interface Options {
  readonly onProgress: (progress: Progress) => Effect.Effect<void>
}

const rebuilt = "carillon_rebuild"

/** Whatever interrupts it, the rows that are read stay as they were, and it can be started again from the beginning. */
export const rebuild = Effect.fn("ledger.rebuild")(function* ({ onProgress }: Options) {
  yield* migrate("carillon")
  return yield* alone(busy, (stillAlone) =>
    // Given up, it leaves no second copy of texts and addresses.
    Effect.onError(rebuildAlone(stillAlone, onProgress), () => Effect.ignore(Effect.andThen(stillAlone, dropRebuilt)))
  )
})

/** What a rebuild that was killed has left: for those who are alone. */
export const dropRebuilt = Effect.gen(function* () {
  const { query } = yield* Postgres
  yield* query(`DROP SCHEMA IF EXISTS ${rebuilt} CASCADE`)
})

const busy = () =>
  new RebuildRefused({ problem: "A rebuild or an erasure in this database is under way: wait until it is done." })

const rebuildAlone = Effect.fnUntraced(function* <E>(
  stillAlone: Effect.Effect<void, E>,
  onProgress: Options["onProgress"]
) {
  const log = yield* EventLog
  const { query, transaction } = yield* Postgres
  yield* refuseDependents(query)
  yield* dropRebuilt
  yield* migrate(rebuilt)
  const { created } = yield* log.extent
  yield* begin(query, "carillon", created)
  let at = yield* begin(query, rebuilt, created)
  let unusable = 0
  let last = yield* newest
  let began = Number.POSITIVE_INFINITY

  const write = Effect.fnUntraced(function* (from: Position, batch: ReadonlyArray<Arrived>) {
    const [first] = batch
    if (from.sequence === 0 && first) {
      const { sequence, storedAt } = first
      began = storedAt
      yield* transaction((query) => keepOlder(query, { storedAt: fromMillis(storedAt), sequence }))
    }
    at = yield* writeUsable(rebuilt, from, batch, () => Effect.sync(() => unusable++))
    yield* stillAlone
    yield* onProgress({ position: at.sequence, last, unusable })
    return at
  })

  if (last === 0) yield* transaction((query) => keepOlder(query, { storedAt: "infinity", sequence: 0 }))
  const catchUp = Effect.gen(function* () {
    last = yield* newest
    yield* readUntil(at, last, write)
  })
  yield* catchUp
  const waiting = yield* addWaiting(rebuilt, began, catchUp)
  for (let left = retries; ; left--) {
    do yield* catchUp
    while (last < (yield* newest) - batchSize)
    yield* query(`ANALYZE ${tables.map((table) => `${rebuilt}.${table}`).join(", ")}`)
    const put = yield* Effect.result(takePlace(at, stillAlone))
    if (Result.isSuccess(put)) return { position: put.success.sequence, unusable, waiting }
    if (left === 0 || !isBusy(put.failure)) return yield* Effect.fail(put.failure)
    yield* Effect.logInfo("Waiting for those who read the tables")
    yield* Effect.sleep("1 second")
  }
})

/** The ledger stands still at its checkpoint meanwhile, and goes on from the new one. */
const takePlace = Effect.fnUntraced(function* <E>(at: Position, stillAlone: Effect.Effect<void, E>) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      yield* query("SET LOCAL lock_timeout = '5s'")
      const live = yield* checkpoint(query, "carillon", "FOR UPDATE")
      yield* advance(query, rebuilt, at, at)
      const end = yield* readUntil(at, yield* newest, (from, batch) =>
        writeEvents(query, rebuilt, from, batch.at(-1)?.sequence ?? from.sequence, readable(batch))
      )
      yield* swapTables(query)
      if (live) yield* advance(query, "carillon", live, end)
      yield* stillAlone
      return end
    })
  )
})

const readUntil = Effect.fnUntraced(function* <E, R>(
  from: Position,
  last: number,
  write: (from: Position, batch: ReadonlyArray<Arrived>) => Effect.Effect<Position, E, R>
) {
  const log = yield* EventLog
  let at = from
  if (at.sequence >= last) return at
  const { take } = yield* log.reading(at.sequence + 1, arrived)
  while (at.sequence < last) {
    const batch = yield* take(batchSize).pipe(Effect.timeoutOrElse({ duration: "30 seconds", orElse: () => silent }))
    at = yield* write(at, batch)
  }
  return at
}, Effect.scoped)

const silent = new NatsError({ operation: "read the log", cause: new Error("nothing came for 30 s") })

const retries = 20

/** Someone held a lock for too long, or an event came last that must be written by itself. */
const isBusy = (error: unknown) => {
  const { _tag, code } = error as { readonly _tag?: string; readonly code?: string }
  return _tag === "RefusedByPostgres" || (_tag === "PostgresError" && (code === "55P03" || code === "40P01"))
}

const refuseDependents = Effect.fnUntraced(function* (query: Query) {
  const names = yield* dependents(query)
  if (names.length === 0) return
  return yield* new RebuildRefused({
    problem: `These stand on the tables that a rebuild replaces: ${names.join(", ")}. Drop them, and create them again afterwards.`
  })
})
