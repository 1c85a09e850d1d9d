// Deletes what is older than it is to be kept, a small batch at a time: each is over in milliseconds, nobody waits for it,
// and autovacuum keeps up. Whatever stops it, the next round begins at the beginning, and costs a look.
import { Effect } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { type Pruned, pruned } from "../Observed.ts"
import { ended, statuses } from "../projection/Rows.ts"
import type { Retention } from "./Retention.ts"

const perBatch = 500
const pauseMillis = 50
const everyHours = 6

const endings = statuses.filter(ended)

/** Runs until interrupted. Any number of ledgers may: in each step one works, and the others find less to do. */
export const keepPruning = Effect.fnUntraced(function* (retention: Retention) {
  if (retention.contents === undefined && retention.records === undefined) return yield* Effect.never
  while (true) {
    // What is deleted does not come back: old is what both clocks call so.
    const now = Math.min(Date.now(), (yield* Nats).clock.now())
    const done = yield* Effect.result(prune(retention, now))
    if (done._tag === "Failure") yield* Effect.logWarning(`Pruning waits: ${done.failure.message}`)
    yield* Effect.sleep(done._tag === "Failure" ? "1 minute" : `${everyHours} hours`)
  }
})

/** One round over all tables. */
export const prune = Effect.fn("ledger.prune")(function* ({ contents, records }: Retention, now: number) {
  const before = (millis: number) => fromMillis(now - millis)
  const found: Pruned = {
    contents: contents === undefined ? 0 : yield* walk(contentsStep(before(contents))),
    records:
      records === undefined
        ? 0
        : (yield* walk(datedStep(before(records)))) +
          (yield* walk(undatedStep(before(records)))) +
          (yield* walk(eventsOfNoneStep(before(records))))
  }
  pruned(found)
  if (found.contents + found.records > 0) {
    yield* Effect.logInfo(`pruned text and address of ${found.contents} messages, and ${found.records} records`)
  }
  return found
})

/** Looks at some rows after a place, deletes those whose time has come; no `next` at the end. */
type Step<Place> = (
  query: Query,
  from: Place | undefined
) => Effect.Effect<{ readonly deleted: number; readonly next: Place | undefined }, Effect.Error<ReturnType<Query>>>

const walk = Effect.fnUntraced(function* <Place>(step: Step<Place>) {
  const { transaction } = yield* Postgres
  let deleted = 0
  let from: Place | undefined
  do {
    const done = yield* transaction((query) => Effect.andThen(standStill(query), step(query, from)))
    deleted += done.deleted
    from = done.next
    if (from !== undefined) yield* Effect.sleep(pauseMillis)
  } while (from !== undefined)
  return deleted
})

/** The projection waits meanwhile: else a message might go on while it is taken for ended. Other pruners wait too. */
const standStill = (query: Query) =>
  query("SELECT FROM carillon.projection_checkpoints WHERE name = 'events' FOR UPDATE")

const contentsStep =
  (before: string): Step<string> =>
  (query, from = "") =>
    Effect.map(
      query<{ readonly last: string | null; readonly seen: number; readonly deleted: number }>(
        `WITH page AS (
           SELECT message_id FROM carillon.message_contents WHERE message_id > $1 ORDER BY message_id LIMIT ${perBatch}
         ), gone AS (
           DELETE FROM carillon.message_contents WHERE message_id IN (
             SELECT id FROM page JOIN carillon.scheduled_messages ON id = message_id
             WHERE status = ANY($2) AND updated_at < $3::timestamptz
           ) RETURNING message_id
         )
         SELECT max(message_id) AS last, count(*) AS seen, (SELECT count(*) FROM gone) AS deleted FROM page`,
        [from, endings, before]
      ),
      ([row]) => ({
        deleted: row?.deleted ?? 0,
        next: row?.seen === perBatch ? (row.last ?? undefined) : undefined
      })
    )

interface Dated {
  readonly id: string
  readonly dueAt: string
}

const datedStep =
  (before: string): Step<Dated> =>
  (query, from = { dueAt: "-infinity", id: "" }) =>
    Effect.gen(function* () {
      const page = yield* query<Dated & { readonly old: boolean }>(
        `SELECT id, due_at::text AS "dueAt", status = ANY($3) AND updated_at < $4::timestamptz AS old
         FROM carillon.scheduled_messages
         WHERE due_at < $4::timestamptz AND (due_at, id) > ($1::timestamptz, $2) ORDER BY due_at, id LIMIT ${perBatch}`,
        [from.dueAt, from.id, endings, before]
      )
      return { deleted: yield* deleteRecords(query, page), next: page.length === perBatch ? page.at(-1) : undefined }
    })

const undatedStep =
  (before: string): Step<string> =>
  (query, from = "") =>
    Effect.gen(function* () {
      const page = yield* query<{ readonly id: string; readonly old: boolean }>(
        `SELECT id, status = ANY($2) AND updated_at < $3::timestamptz AS old
         FROM carillon.scheduled_messages WHERE due_at IS NULL AND id > $1 ORDER BY due_at, id LIMIT ${perBatch}`,
        [from, endings, before]
      )
      return {
        deleted: yield* deleteRecords(query, page),
        next: page.length === perBatch ? page.at(-1)?.id : undefined
      }
    })

const deleteRecords = Effect.fnUntraced(function* (
  query: Query,
  page: ReadonlyArray<{ readonly id: string; readonly old: boolean }>
) {
  const ids = page.flatMap(({ id, old }) => (old ? [id] : []))
  if (ids.length === 0) return 0
  yield* query("DELETE FROM carillon.message_events WHERE message_id = ANY($1)", [ids])
  yield* query("DELETE FROM carillon.message_delivery_attempts WHERE message_id = ANY($1)", [ids])
  yield* query("DELETE FROM carillon.message_contents WHERE message_id = ANY($1)", [ids])
  yield* query("DELETE FROM carillon.scheduled_messages WHERE id = ANY($1)", [ids])
  return ids.length
})

/**
 * What became of senders, and what is said of an id that no message came of, or whose message is gone: refused commands,
 * findings of the watchdog, answers of patients. The index message_events_of_none has these types too.
 */
const eventsOfNoneStep =
  (before: string): Step<true> =>
  (query) =>
    Effect.map(
      query<{ readonly deleted: number }>(
        `WITH gone AS (
           DELETE FROM carillon.message_events WHERE (message_id, event_id) IN (
             SELECT message_id, event_id FROM carillon.message_events e
             WHERE (message_id = '' OR type IN ('rejected', 'overdue', 'reply-received')) AND stored_at < $1::timestamptz
               AND NOT EXISTS (SELECT FROM carillon.scheduled_messages WHERE id = e.message_id)
             ORDER BY stored_at LIMIT ${perBatch}
           ) RETURNING event_id
         ) SELECT count(*) AS deleted FROM gone`,
        [before]
      ),
      ([row]) => ({ deleted: row?.deleted ?? 0, next: row?.deleted === perBatch ? (true as const) : undefined })
    )
