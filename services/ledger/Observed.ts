// What the ledger tells of its work: the last span of a delivery, how long events take to reach the tables,
// and how many still wait.
import { attemptOf, type EventType, messageId, platform } from "#shared/contract/Events.ts"
import { watchdogRules } from "#shared/contract/fields/Fields.ts"
import { counter, gauges, recordStage, shown } from "#shared/telemetry/Metrics.ts"
import { processingFrom } from "#shared/telemetry/Processing.ts"
import type { Arrived } from "./projection/Batch.ts"
import type { Finding } from "./watchdog/Overdue.ts"

let behind: number | undefined

/**
 * Events that the log holds and the tables do not. Of several ledgers each that shows it has seen the newest event just
 * now, and may not know how far the tables are by another: the least of what they show is true.
 */
export const watchLag = shown(() => [
  gauges("carillon_ledger_lag_events", "Events not projected yet; not shown by a ledger that does not know", () =>
    behind === undefined ? [] : [{ value: behind, attributes: {} }]
  )
])

export interface Undecided {
  readonly messages: number
  /** Since the outcome of the oldest is unknown; 0 if there is none. */
  readonly oldestSeconds: number
}

let undecided: Undecided | undefined

/** Nothing while Postgres cannot be asked. */
export const undecidedNow = (found: Undecided | undefined) => {
  undecided = found
}

const ifKnown = (read: (known: Undecided) => number) => () =>
  undecided === undefined ? [] : [{ value: read(undecided), attributes: {} }]

export const showUndecided = shown(() => [
  gauges(
    "carillon_undecided_messages",
    "Of which nobody knows whether they arrived, and nobody has decided",
    ifKnown(({ messages }) => messages)
  ),
  gauges(
    "carillon_undecided_oldest_seconds",
    "Since that of the oldest is unknown; 0 if there is none",
    ifKnown(({ oldestSeconds }) => oldestSeconds)
  )
])

/** Answers with how far the projection is behind; unknown while one of the two is, as it is to a ledger that stands by. */
export const lagging = (newest: number | undefined, projected: number | undefined) => {
  behind = newest === undefined || projected === undefined ? undefined : Math.max(0, newest - projected)
  return behind
}

export interface Pruned {
  readonly contents: number
  /** Messages with their attempts and their timeline, and events that are about no message. */
  readonly records: number
}

const prunedRows = counter(
  "carillon_ledger_pruned",
  "Messages whose text and address, or whose record, was deleted by age"
)

export const pruned = ({ contents, records }: Pruned) => {
  prunedRows(contents, { type: "contents" })
  prunedRows(records, { type: "records" })
}

/** Call it when the batch is committed. What waits or is on its way has no span here: that of its end will tell. */
export const projected = (batch: ReadonlyArray<Arrived>, startedAt: number) => {
  const now = Date.now()
  for (const { recorded, storedAt, traceparent } of batch) {
    if (!recorded) continue
    const { event } = recorded
    recordStage("projection", now - storedAt, platform(event))
    // An event without a trace would begin one of its own here, which tells nothing; one that is not sampled, none.
    if (hasMoreToCome.has(event.type) || !isSampled(traceparent)) continue
    const about = { id: messageId(event), attempt: attemptOf(event), platform: platform(event) }
    const destination = `carillon.event.${event.type}.{platform}`
    processingFrom({ parent: traceparent }, { destination, ...about }, "child", startedAt).end()
  }
}

const hasMoreToCome: ReadonlySet<EventType> = new Set(["scheduled", "dispatched", "send-started", "part-sent"] as const)

/** The last bit of its flags. */
const isSampled = (traceparent: string) => /-[0-9a-f]?[13579bdf]$/.test(traceparent)

let findings: ReadonlyArray<Finding> = []
let lookedAtMillis = 0

/** Call it when a round has looked at everything. */
export const lookedAt = (found: ReadonlyArray<Finding>, at: number) => {
  findings = found
  lookedAtMillis = at
}

/** Shown by the ledger that keeps watch, for as long as it does. */
export const watchFindings = (validSeconds: number) => {
  const watches = () => Date.now() - lookedAtMillis < validSeconds * 1_000 + 60_000
  return shown(() => [
    gauges("carillon_watchdog_findings", "Messages that something is wrong with, as of the last round, by rule", () =>
      watches()
        ? watchdogRules.map((rule) => ({
            value: findings.filter((one) => one.rule === rule).length,
            attributes: { rule }
          }))
        : []
    ),
    gauges("carillon_watchdog_looked_at_seconds", "When the last round was, since the epoch", () =>
      lookedAtMillis === 0 ? [] : [{ value: lookedAtMillis / 1_000, attributes: {} }]
    )
  ])
}
