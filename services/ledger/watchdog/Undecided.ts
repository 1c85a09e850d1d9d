// Messages of which nobody knows whether they arrived, and on which nobody has decided: how many there are, for the metrics.
import { Effect } from "effect"
import { streamState } from "#shared/nats/layout/Inspect.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { type Undecided, undecidedNow } from "../Observed.ts"

/** By the rows, which are found without reading what letters say; those whose letter has gone by its age nobody can decide. */
export const undecided = Effect.gen(function* () {
  const { query } = yield* Postgres
  const keptSeconds = ((yield* streamState("DEAD"))?.config.max_age ?? 0) / 1e9
  const [row] = yield* query<Undecided>(
    `SELECT count(*)::integer AS messages,
       coalesce(extract(epoch FROM now() - min(updated_at)), 0)::double precision AS "oldestSeconds"
     FROM carillon.scheduled_messages
     WHERE status = 'unknown' AND ($1::double precision = 0 OR updated_at > now() - make_interval(secs => $1::double precision))`,
    [keptSeconds]
  )
  return row ?? { messages: 0, oldestSeconds: 0 }
})

/** Runs until interrupted. Any number of ledgers may: all of them say the same. */
export const watchUndecided = Effect.gen(function* () {
  while (true) {
    const look = yield* Effect.result(undecided)
    undecidedNow(look._tag === "Success" ? look.success : undefined)
    yield* Effect.sleep("1 minute")
  }
})
