// The watchdog: compares what should have happened to the messages with what did. Of several ledgers one keeps watch. Each
// round looks at a bounded piece: what is due and what is under way, the timers that are nearest, and in turn all others.
import { randomUUID } from "node:crypto"
import { Effect, Option, Result, Schedule } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Attempt } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { durables } from "#shared/nats/layout/Inspect.ts"
import { consumers, Subject, streams } from "#shared/nats/layout/Topology.ts"
import { scheduledAt } from "#shared/nats/messages/Publisher.ts"
import { type Settled, settled } from "#shared/nats/messages/Settled.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import type { StoredMessage } from "#shared/nats/stores/LookUps.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { fraction, setting, whole } from "#shared/service/Settings.ts"
import { lookedAt, watchFindings } from "../Observed.ts"
import { checkpoint } from "../projection/Checkpoint.ts"
import { askAgain, tell } from "./Alarm.ts"
import {
  type Facts,
  type Finding,
  judge,
  judgeTimer,
  needsTimer,
  type StandingTimer,
  stepOf,
  type Watched
} from "./Overdue.ts"
import { type Cursors, keepCursors, nextPiece, rowsOf, stepsOf, takeTurn, withoutIntent } from "./WatchdogRows.ts"

const settings = Effect.all({
  periodSeconds: setting("WATCHDOG_SECONDS", fraction(0, 86_400), {
    says: "How often the watchdog looks for what should have happened and did not; 0 is never",
    unit: "seconds",
    byDefault: 30
  }),
  graceSeconds: setting("WATCHDOG_GRACE_SECONDS", fraction(1, 604_800), {
    says: "How long nothing may have happened to a message before the watchdog looks at it",
    unit: "seconds",
    byDefault: 60
  }),
  lookups: setting("WATCHDOG_LOOKUPS", whole(1, 1_000_000), {
    says: "How many messages, and how many timers, the watchdog looks at in one round beside those that are due",
    byDefault: 1_000
  })
})
type Settings = Effect.Success<typeof settings>

/** What one ledger knows from round to round. */
export interface Watch {
  readonly holder: string
  /** Found in the round before: what is found twice in a row is told. */
  readonly suspects: Map<string, Finding>
  readonly asked: Map<MessageId, number>
}

export const newWatch = (): Watch => ({ holder: randomUUID(), suspects: new Map(), asked: new Map() })

/** Runs until interrupted. What is out of reach is looked at in the next round. */
export const watchdog = Effect.gen(function* () {
  const config = yield* settings
  if (config.periodSeconds === 0) return yield* Effect.never
  yield* watchFindings(3 * config.periodSeconds)
  const watch = newWatch()
  while (true) {
    yield* round(watch, config).pipe(
      Effect.catch((error) => Effect.logWarning(`no round of the watchdog: ${error.message}`)),
      Effect.timeoutOption("5 minutes")
    )
    yield* Effect.sleep(config.periodSeconds * 1_000)
  }
})

export const round = Effect.fn("ledger.watchdog")(function* (watch: Watch, config: Settings) {
  const cursors = yield* takeTurn(watch.holder, config.periodSeconds)
  if (!cursors) return watch.suspects.clear()
  // As what is stored is timed: a wrong clock here must find nothing.
  const now = (yield* Nats).clock.now()
  const facts = yield* gather(config, now)
  if (!facts) return yield* Effect.logDebug("the watchdog waits: the ledger is behind the log")
  const messages = yield* lookAtMessages(watch, cursors, facts, config)
  const timers = yield* lookAtTimers(watch, cursors, facts, config)
  const found = [...messages.found, ...timers.found, ...(yield* lookAtIntents(facts))]
  const findings = new Map(found.map((one) => [`${one.rule} ${one.id}`, one]))
  const confirmed = [...findings].filter(([key]) => watch.suspects.has(key)).map(([, one]) => one)
  watch.suspects.clear()
  for (const [key, one] of findings) watch.suspects.set(key, one)
  lookedAt(confirmed, Date.now())
  yield* tell(confirmed, now)
  // While nobody carries commands out, more of them are of no use.
  if (facts.settled(consumers.schedulerCommands.durable).before + 60_000 > now)
    yield* askAgain(confirmed, watch.asked, now)
  yield* keepCursors(watch.holder, { ...messages.next, ...timers.next })
})

/**
 * The queues first, then the tables, once they hold all that the log had by then: what a queue has settled has left its
 * trace in them. Nothing while the ledger is behind: that something did not happen means nothing then.
 */
const gather = Effect.fnUntraced(function* ({ graceSeconds, periodSeconds }: Settings, now: number) {
  const queues = new Map<string, Settled>()
  for (const definition of yield* durables) queues.set(definition.durable, yield* settled(definition))
  const caughtUp = yield* Effect.repeat(projectedUpTo, {
    schedule: Schedule.max([Schedule.spaced("500 millis"), Schedule.recurs(Math.max(4, periodSeconds))]),
    until: (at) => at >= now
  })
  if (caughtUp < now) return undefined
  const nothing: Settled = { before: Number.NEGATIVE_INFINITY, exists: false }
  return {
    now,
    graceMillis: graceSeconds * 1_000,
    settled: (durable) => queues.get(durable) ?? nothing
  } satisfies Facts as Facts
})

/** Everything that the log stored before this is in the tables. */
const projectedUpTo = Effect.gen(function* () {
  const log = yield* EventLog
  const { query } = yield* Postgres
  const at = yield* checkpoint(query, "carillon")
  if (!at) return Number.NEGATIVE_INFINITY
  const first = yield* log.next("EVENTS", at.sequence + 1, streams.EVENTS.subjects[0])
  return Option.match(first, { onNone: () => Number.POSITIVE_INFINITY, onSome: ({ storedAt }) => storedAt })
})

const lookAtMessages = Effect.fnUntraced(function* (
  { suspects }: Watch,
  cursors: Cursors,
  facts: Facts,
  { lookups }: Settings
) {
  const { now } = facts
  const due = yield* nextPiece({ status: "pending", to: now }, cursors.due, lookups)
  const nearest = yield* nextPiece({ status: "pending", from: now, to: now + 3_600_000 }, undefined, lookups)
  const waiting = yield* nextPiece({ status: "pending", from: now }, cursors.waiting, lookups)
  const processing = yield* nextPiece({ status: "processing" }, cursors.processing, lookups)
  const suspected = yield* rowsOf([...new Set(Array.from(suspects.values(), ({ id }) => id))])
  const rows = new Map<MessageId, Watched>()
  for (const row of [...due.rows, ...nearest.rows, ...waiting.rows, ...processing.rows, ...suspected])
    rows.set(row.id, row)
  const underWay = [...rows.values()].filter(({ status }) => status === "processing").map(({ id }) => id)
  const newest = yield* stepsOf(underWay)
  const look = Effect.fnUntraced(function* (row: Watched) {
    const step = stepOf(row, newest.get(row.id))
    const found = judge(row, step, facts)
    if (found || !needsTimer(row, step, facts) || (yield* hasTimer(row.id))) return found ? [found] : []
    return [{ id: row.id, platform: row.platform, rule: "no-timer", since: step.storedAt } satisfies Finding]
  })
  const found = yield* Effect.forEach([...rows.values()], look, { concurrency: 20 })
  return {
    found: found.flat() as ReadonlyArray<Finding>,
    next: { due: due.next, waiting: waiting.next, processing: processing.next } satisfies Cursors
  }
})

const hasTimer = Effect.fnUntraced(function* (id: MessageId) {
  const { last } = yield* EventLog
  if (Option.isSome(yield* last("TIMERS", Subject.pending(id)))) return true
  return Option.isSome(yield* last("TIMERS", Subject.changed("*", id)))
})

const lookAtTimers = Effect.fnUntraced(function* (
  { suspects }: Watch,
  cursors: Cursors,
  facts: Facts,
  { lookups }: Settings
) {
  const log = yield* EventLog
  const timers = new Map<MessageId, StandingTimer>()
  let last: number | undefined = cursors.timers ?? 0
  for (let count = 0; count < lookups / 5 && last !== undefined; count++) {
    const found: StoredMessage | undefined = Option.getOrUndefined(
      yield* log.next("TIMERS", last + 1, Subject.pending("*"))
    )
    if (found) {
      const id = found.header("ce-subject") ?? ""
      timers.set(id, standing(id, found))
    }
    last = found?.sequence
  }
  for (const { id, rule } of suspects.values()) {
    if (rule !== "no-row" && rule !== "timer-left") continue
    const found = yield* log.last("TIMERS", Subject.pending(id))
    if (Option.isSome(found)) timers.set(id, standing(id, found.value))
  }
  const rows = new Map((yield* rowsOf([...timers.keys()])).map((row) => [row.id, row]))
  return {
    found: [...timers.values()].flatMap((timer) => judgeTimer(timer, rows.get(timer.id), facts) ?? []),
    next: { timers: last } satisfies Cursors
  }
})

const standing = (id: MessageId, timer: StoredMessage): StandingTimer => {
  const attempt = decodeAttempt(timer.text)
  const doubted = Result.isSuccess(attempt) && attempt.success.interruptedSince !== undefined
  return { id, storedAt: timer.storedAt, ...(doubted ? { doubtedUntil: toMillis(scheduledAt(timer)) } : {}) }
}

const decodeAttempt = decodeWith(Attempt)

const day = 86_400_000

/** Not of sends whose beginning may have left the log before it was recorded. */
const lookAtIntents = Effect.fnUntraced(function* ({ graceMillis, now }: Facts) {
  const log = yield* EventLog
  const first = Option.getOrUndefined(yield* log.next("EVENTS", 1, streams.EVENTS.subjects[0]))
  if (!first) return []
  const found = yield* withoutIntent(Math.max(now - day, first.storedAt + graceMillis), now - graceMillis)
  return found.map((one): Finding => ({ ...one, rule: "no-intent" }))
})
