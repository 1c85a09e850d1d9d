// What the ledger tells of its work: the last span of every event's trace, how long events take to reach the tables,
// and how many still wait.
import { Effect } from "effect"
import { watchdogRules } from "#shared/contract/Fields.ts"
import { headerOf } from "#shared/nats/Headers.ts"
import { counter, gauge, gauges, recordStage } from "#shared/telemetry/Metrics.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import type { Arrived } from "./Batch.ts"
import type { Finding } from "./Overdue.ts"
import type { Pruned } from "./Prune.ts"

let behind = 0

/** Events that the log holds and the tables do not, as of the last batch. */
export const watchLag = Effect.acquireRelease(
  Effect.sync(() =>
    gauge("carillon_ledger_lag_events", "Events not projected yet, as of the last batch", () => behind)
  ),
  (remove) => Effect.sync(remove)
)

const prunedRows = counter(
  "carillon_ledger_pruned",
  "Messages whose text and address, or whose record, was deleted by age"
)

export const pruned = ({ contents, records }: Pruned) => {
  prunedRows(contents, { type: "contents" })
  prunedRows(records, { type: "records" })
}

/** Call it when the batch is committed. */
export const projected = (batch: ReadonlyArray<Arrived>, startedAt: number) => {
  const now = Date.now()
  behind = batch.at(-1)?.delivery.info.pending ?? 0
  for (const { delivery } of batch) {
    recordStage("projection", now - delivery.time.getTime(), headerOf(delivery, "ce-platform"))
    // An event without a trace would begin one of its own here, which tells nothing; one that is not sampled, none.
    if (!/-[0-9a-f]?[13579bdf]$/.test(headerOf(delivery, "traceparent") ?? "")) continue
    const attempt = headerOf(delivery, "ce-attempt")
    const type = delivery.subject.split(".")[2] ?? "unknown"
    processing(
      delivery,
      {
        destination: `carillon.event.${type}.{platform}`,
        id: headerOf(delivery, "ce-subject"),
        attempt: attempt === undefined ? undefined : Number(attempt),
        platform: headerOf(delivery, "ce-platform")
      },
      "child",
      startedAt
    ).end()
  }
}

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
  return Effect.acquireRelease(
    Effect.sync(() => [
      gauges(
        "carillon_watchdog_findings",
        "Messages that something is wrong with, as of the last round, by rule",
        () =>
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
    ]),
    (removes) => Effect.sync(() => removes.forEach((remove) => void remove()))
  )
}
