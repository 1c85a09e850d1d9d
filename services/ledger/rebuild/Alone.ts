// One at a time: what replaces tables, and what must not be undone by that.
import { Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import type { Failure } from "#shared/postgres/PostgresErrors.ts"

/**
 * Refuses while another holds the lock. The transaction does nothing but hold it, so that it is gone with its connection
 * however the body ends; the body asks now and then whether it is still there.
 */
export const alone = Effect.fnUntraced(function* <A, E, R, Busy>(
  busy: () => Busy,
  body: (stillAlone: Effect.Effect<void, Failure>) => Effect.Effect<A, E, R>
) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (lock) {
      yield* lock("SET LOCAL idle_in_transaction_session_timeout = 0")
      const [answer] = yield* lock<{ readonly mine: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtext('carillon.rebuild')) AS mine"
      )
      if (!answer?.mine) return yield* Effect.fail(busy())
      return yield* body(Effect.asVoid(lock("SELECT 1")))
    })
  )
})
