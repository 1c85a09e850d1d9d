// What the bridge tells of its work: what waits, and for how long. Asked of Postgres every ten seconds.
import { Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { gauge, gauges, shown } from "#shared/telemetry/Metrics.ts"
import { type Failing, failingFor } from "./Loop.ts"

interface Waiting {
  readonly count: number
  readonly oldest: number
}

/** Counts no further than this: a scrape need not read a table of millions. */
const most = 100_000

const waiting = Effect.fnUntraced(function* (table: string, time: string) {
  const { query } = yield* Postgres
  const [found] = yield* query<Waiting>(
    `SELECT count(*) AS count, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS oldest
     FROM (SELECT ${time} AS at FROM ${table} ORDER BY id LIMIT ${most}) AS waiting`
  )
  return found ?? { count: 0, oldest: 0 }
})

export interface Observed {
  behind: number
  readonly failing: Failing
}

/**
 * Runs until interrupted. While Postgres is away the last figures stand, and the oldest grows older; what came since then
 * is not known, and `…_looked_at` tells for how long.
 */
export const watch = Effect.fnUntraced(function* (observed: Observed, bridged: boolean) {
  const none = { count: 0, oldest: 0 }
  let last = { commands: none, changes: none, at: 0 }
  const age = ({ count, oldest }: Waiting) => (count === 0 ? 0 : oldest + (Date.now() - last.at) / 1_000)
  yield* shown(() => [
    gauge("carillon_outbox_waiting_commands", "In the outbox, not published yet", () => last.commands.count),
    gauge("carillon_outbox_oldest_seconds", "How long the oldest of them has waited; 0 if none does", () =>
      age(last.commands)
    ),
    gauge("carillon_bridge_waiting_changes", "Changed rows not looked at yet", () => last.changes.count),
    gauge("carillon_bridge_oldest_seconds", "How long the oldest of them has waited; 0 if none does", () =>
      age(last.changes)
    ),
    gauges("carillon_bridge_looked_at_seconds", "When Postgres was last asked for these, since the epoch", () =>
      last.at === 0 ? [] : [{ value: last.at / 1_000, attributes: {} }]
    ),
    gauges(
      "carillon_bridge_failing_seconds",
      "For how long this work of a bridge has failed; 0 while it does not",
      () =>
        Array.from(observed.failing.keys(), (work) => ({
          value: failingFor(observed.failing, work, Date.now()),
          attributes: { work }
        }))
    ),
    gauge("carillon_bridge_lag_events", "Events not read yet, as of the last batch", () => observed.behind)
  ])
  const look = Effect.gen(function* () {
    const commands = yield* waiting("carillon_outbox.commands", "created_at")
    const changes = bridged ? yield* waiting("carillon_bridge.changes", "at") : none
    last = { commands, changes, at: Date.now() }
  })
  while (true) {
    yield* Effect.ignore(look)
    yield* Effect.sleep("10 seconds")
  }
}, Effect.scoped)
