// The ledger: what became of every message. The whole event log in, rows in Postgres out.
import { Effect, Option, Result, Schedule, Schema } from "effect"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { setAside } from "#shared/nats/stores/Quarantine.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { PostgresError } from "#shared/postgres/PostgresErrors.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { setting } from "#shared/service/Settings.ts"
import { keepPruning } from "./erasure/Prune.ts"
import { retention } from "./erasure/Retention.ts"
import { migrate, requireTables } from "./Migrations.ts"
import { lagging, projected, showUndecided, watchLag } from "./Observed.ts"
import { arrived, batchSize, type OnUnusable, writeUsable } from "./projection/Batch.ts"
import { checkpoint, type Position } from "./projection/Checkpoint.ts"
import { newest, startingPoint } from "./projection/LogPosition.ts"
import { type Sights, sights } from "./projection/Sights.ts"
import { grantRoles } from "./Roles.ts"
import { watchUndecided } from "./watchdog/Undecided.ts"
import { watchdog } from "./watchdog/Watchdog.ts"

const outOfReach = Schema.is(Schema.Union([PostgresError, NatsError]))

const quarantine: OnUnusable<EventLog | Publisher> = Effect.fnUntraced(function* (sequence, reason) {
  const log = yield* EventLog
  const { publish } = yield* Publisher
  const found = yield* log.at("EVENTS", sequence)
  if (Option.isNone(found))
    return yield* Effect.logError(`event ${sequence} is not projected, and has left the log: ${reason}`)
  yield* publish([setAside({ stream: "EVENTS", durable: "ledger" }, found.value, reason)])
  yield* Effect.logError(`event ${sequence} is in quarantine: ${reason}`)
})

/** Batches begin so far apart, in milliseconds, unless many events wait: each costs Postgres and us some 8 ms of CPU. */
const spacing = 200

/** Projects until another ledger is ahead (Overtaken), or this reader is of no more use. */
const projecting = Effect.fnUntraced(function* (
  seen: Sights,
  onStart: (at: Position) => void,
  onProgress: (at: Position) => void
) {
  const log = yield* EventLog
  let at = yield* startingPoint(seen.wentBack())
  seen.begunAnew()
  onStart(at)
  const { take } = yield* log.reading(at.sequence + 1, arrived)
  const projecting = Effect.gen(function* () {
    while (true) {
      const batch = yield* take(batchSize)
      const startedAt = Date.now()
      at = yield* writeUsable("carillon", at, batch, quarantine)
      const last = batch.at(-1)
      if (last) seen.note(at.log, last)
      projected(batch, startedAt)
      onProgress(at)
      if (batch.length < batchSize)
        yield* Effect.sleep(Math.max(0, Math.min(spacing, startedAt + spacing - Date.now())))
    }
  })
  yield* Effect.raceFirst(
    projecting,
    watch(() => at, seen)
  )
}, Effect.scoped)

/** Returns when the log was made anew or went back, or when events that stood half a minute ago are still not projected. */
const watch = Effect.fnUntraced(function* (position: () => Position, seen: Sights) {
  const log = yield* EventLog
  let stalledFor = 0
  let before = { projected: -1, newest: 0 }
  while (true) {
    yield* Effect.sleep("5 seconds")
    const look = yield* Effect.result(Effect.all([Effect.tap(log.extent, seen.look), newest]))
    const { sequence: projected, log: name } = position()
    lagging(Result.isSuccess(look) ? look.success[1] : undefined, projected)
    // NATS away is for the connection to mend.
    if (Result.isFailure(look)) continue
    const [{ created }, last] = look.success
    if (created !== name || seen.wentBack()) return
    stalledFor = projected === before.projected && before.newest > projected ? stalledFor + 5 : 0
    if (stalledFor >= 30) return yield* Effect.logWarning(`no progress after event ${projected}: reading the log anew`)
    before = { projected, newest: last }
  }
})

/** While another ledger projects. Returns when for two seconds it has left waiting events where they were. */
const standBy = Effect.gen(function* () {
  const { query } = yield* Postgres
  yield* Effect.logInfo("another ledger projects the log: standing by")
  while (true) {
    const before = yield* checkpoint(query, "carillon")
    const last = yield* newest
    yield* Effect.sleep("2 seconds")
    const after = yield* checkpoint(query, "carillon")
    if (after?.sequence === before?.sequence && (before?.sequence ?? 0) < last) return
  }
})

/** Says how far behind the projection falls while it cannot go on; the events wait in the log. Answers with the newest. */
const reportTrouble = Effect.fnUntraced(function* (error: NatsError | PostgresError, projected: number | undefined) {
  const last = yield* Effect.orElseSucceed(newest, () => undefined)
  const behind = lagging(last, projected)
  yield* Effect.logWarning(
    `The projection waits: ${error.message}.${behind === undefined ? "" : ` ${behind} events behind.`}`
  )
  return last ?? 0
})

/** At each turn the reader is closed, so that nothing piles up here while Postgres is away. */
const keepProjecting = Effect.gen(function* () {
  let projected: number | undefined
  let failures = 0
  /** The newest event when it last had to wait; nothing when it goes on. */
  let waitsFor = 0
  const readiness = yield* Readiness
  // Postgres may answer, and have no room.
  yield* readiness.check(
    "projection",
    Effect.sync(() => (projected ?? 0) >= waitsFor)
  )
  const onStart = (at: Position) => {
    projected = at.sequence
  }
  const onProgress = (at: Position) => {
    projected = at.sequence
    failures = 0
    waitsFor = 0
  }
  const seen = yield* sights
  const standingBy = Effect.suspend(() => {
    // How far the other one is by now, only Postgres knows.
    projected = undefined
    lagging(undefined, undefined)
    waitsFor = 0
    return standBy
  })
  while (true) {
    const turn = yield* projecting(seen, onStart, onProgress).pipe(
      Effect.catchTag("Overtaken", () => standingBy),
      Effect.catchTag("RefusedByPostgres", Effect.die),
      Effect.catchIf(outOfReach, (error) => Effect.succeed(error))
    )
    if (turn === undefined) continue
    waitsFor = yield* reportTrouble(turn, projected)
    yield* Effect.sleep(Math.min(30_000, 500 * 2 ** failures++))
  }
})

const tablesManage = setting("TABLES_MANAGE", Schema.Literals(["auto", "none"]), {
  says: "Whether the ledger makes and upgrades its tables when it starts, or waits for `carillon ledger migrate`, whose user owns them: the ledger's own then needs no right to make any",
  byDefault: "auto"
})

export const run = Effect.gen(function* () {
  const readiness = yield* Readiness
  const kept = yield* retention
  const manage = yield* tablesManage
  const tablesReady = yield* readiness.awaiting("tables")
  yield* readiness.begun
  yield* watchLag
  yield* showUndecided
  yield* provision([])
  yield* (manage === "none" ? requireTables : Effect.andThen(migrate("carillon"), grantRoles)).pipe(
    Effect.tapError((error) => (outOfReach(error) ? Effect.logWarning(`Waiting: ${error.message}`) : Effect.void)),
    Effect.retry({ schedule: Schedule.spaced("2 seconds"), while: outOfReach })
  )
  yield* tablesReady
  // Each runs for ever: whatever ends one of them ends the service.
  yield* Effect.raceAllFirst([keepProjecting, keepPruning(kept), watchdog, watchUndecided])
}).pipe(Effect.scoped)
