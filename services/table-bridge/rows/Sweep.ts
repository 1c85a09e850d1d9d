// Looks all rows over from time to time: a trigger that failed let the application go on, and what it did not note is
// found here.
import { Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { backfill } from "./Backfill.ts"
import type { Open } from "./Look.ts"

/** Of several bridges one takes it on. Killed in the middle, it waits for the next time. */
const takeOn = Effect.fnUntraced(function* ({ bridge }: Open) {
  const { query } = yield* Postgres
  const taken = yield* query(
    `UPDATE carillon_bridge.bridges SET swept_at = now()
     WHERE name = $1 AND active AND $2 > 0 AND swept_at < now() - make_interval(secs => $2 * 3600) RETURNING name`,
    [bridge.name, bridge.sweepHours]
  )
  return taken.length > 0
})

/** Nothing is left to do afterwards. */
export const sweep = Effect.fn("bridge.sweep")(function* (open: Open) {
  if (!(yield* takeOn(open))) return false
  const counts = yield* backfill(open, { apart: true, onProgress: () => Effect.sleep("50 millis") })
  const found = counts.scheduled + counts.waiting
  if (found > 0) yield* Effect.logInfo(`${open.bridge.name}: ${found} rows were taken in by looking all rows over`)
  return false
})
