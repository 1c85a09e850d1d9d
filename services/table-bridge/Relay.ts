// Publishes what waits in the outbox, and takes it away once NATS has stored it. Killed in between it publishes again,
// which is harmless: the same ids, the same content, in the same order of each message.
import { Clock, Effect } from "effect"
import type { CommandName } from "#shared/contract/Commands.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { type Outgoing, Publisher } from "#shared/nats/messages/Publisher.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { exists } from "./database/Catalogue.ts"

export const relayBatch = 1_000

interface Waiting {
  readonly id: number
  readonly name: Extract<CommandName, "schedule" | "reschedule" | "cancel">
  readonly payload: unknown
  /** In microseconds: ids that a restored database gives out again are told apart by it. */
  readonly createdAt: string
  readonly database: string
}

/**
 * Of each message only the first command that waits: the next one is taken when this one is gone for good. So relays
 * may run side by side, and one that repeats its batch never takes a message back to an earlier change.
 */
const claim = (query: Query) =>
  query<Waiting>(
    `SELECT c.id, c.name, c.payload, (extract(epoch FROM c.created_at) * 1000000)::bigint::text AS "createdAt",
       (SELECT id FROM carillon_outbox.identity) AS database
     FROM carillon_outbox.commands c
     WHERE c.id = (SELECT min(first.id) FROM carillon_outbox.commands first WHERE first.message_id = c.message_id)
     ORDER BY c.id LIMIT ${relayBatch} FOR UPDATE OF c SKIP LOCKED`
  )

/** Well below the minute after which Postgres ends the transaction of somebody who says nothing. */
const freshMillis = 10_000

/**
 * Whether what was claimed is still ours at this moment. Who was suspended meanwhile may have lost it: another has published
 * it by then, and later changes of the same messages, behind which it would be published once more.
 */
const isStillOurs = Effect.fnUntraced(function* (query: Query) {
  const asked = yield* Clock.currentTimeMillis
  yield* query("SELECT 1")
  return (yield* Clock.currentTimeMillis) - asked < freshMillis
})

const outgoing = ({ id, name, payload, createdAt, database }: Waiting): Outgoing => ({
  subject: Subject.command(name),
  payload: JSON.stringify(payload),
  headers: {},
  messageId: `outbox-${database}-${id}-${createdAt}`
})

/** How many it published. */
export const relay = Effect.fn("outbox.relay")(function* () {
  const { transaction } = yield* Postgres
  const { publish } = yield* Publisher
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      const waiting = yield* claim(query)
      if (waiting.length === 0 || !(yield* isStillOurs(query))) return 0
      yield* publish(waiting.map(outgoing))
      yield* query(
        `WITH gone AS (DELETE FROM carillon_outbox.commands WHERE id = ANY($1) RETURNING id, name, message_id)
         INSERT INTO carillon_outbox.published (id, name, message_id) SELECT id, name, message_id FROM gone
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, message_id = excluded.message_id, published_at = clock_timestamp()`,
        [waiting.map(({ id }) => id)]
      )
      return waiting.length
    })
  )
})

/** So often it is noted that somebody looks, for applications to be warned when nobody does. */
const noteEveryMillis = 10_000

const noteAgainMillis = 3_600_000

/** Notes it after a look that went well. An outbox that an older version made has no place for it yet, or no rights on it. */
export const noting = <A, E, R>(look: Effect.Effect<A, E, R>) => {
  let next = 0
  return Effect.gen(function* () {
    const found = yield* look
    const now = yield* Clock.currentTimeMillis
    if (now < next) return found
    next = now + noteEveryMillis
    const { query } = yield* Postgres
    if (!(yield* exists(query, "carillon_outbox.looked"))) return found
    yield* query("UPDATE carillon_outbox.looked SET at = clock_timestamp()").pipe(
      Effect.catchTag("UnusablePostgres", ({ problem }) => {
        next = now + noteAgainMillis
        return Effect.logWarning(`The outbox warns applications that nobody looks at it. ${problem}`)
      })
    )
    return found
  })
}

/** What is older than these days of the record of what was published and refused. */
export const prune = Effect.fnUntraced(function* (keepDays: number) {
  const { query } = yield* Postgres
  for (const [table, time] of [
    ["published", "published_at"],
    ["refusals", "at"]
  ]) {
    yield* query(`DELETE FROM carillon_outbox.${table} WHERE ${time} < now() - make_interval(days => $1)`, [keepDays])
  }
})
