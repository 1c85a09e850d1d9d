// What a rebuild cannot find in the log any more: the messages whose first event has left it are taken over as they are.
import { Effect } from "effect"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import type { Query } from "#shared/postgres/Postgres.ts"
import { keepSums } from "../projection/RollupTables.ts"
import { attempts, contents, messages, timeline } from "../projection/Tables.ts"

/** Where the log begins: when its first event was stored ("infinity" for an empty log), and its sequence. */
export interface Boundary {
  readonly storedAt: Instant | "infinity"
  readonly sequence: number
}

/** Before the log is projected over these rows: sends that it still tells of are left for it to count. The
 * first thing in its transaction. */
export const keepOlder = Effect.fn("ledger.keepOlder")(function* (query: Query, { storedAt, sequence }: Boundary) {
  const boundary = [storedAt, sequence]
  const first = "($1::timestamptz, $2::bigint)"
  // Rows and sums as they stood at one time.
  yield* query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
  const later = (types: string) => `(SELECT count(*) FROM carillon.message_events e
    WHERE erased_at IS NULL AND e.message_id = id AND e.type IN (${types}) AND (e.stored_at, e.sequence) >= ${first})`
  yield* query(
    messages.copy(
      "carillon",
      "carillon_rebuild",
      `erased_at IS NOT NULL OR recorded_at <= $1::timestamptz AND
       (recorded_at < $1::timestamptz OR EXISTS (
         SELECT FROM carillon.message_events e WHERE e.message_id = id AND (e.stored_at, e.sequence) < ${first}))`,
      {
        costUnits: `cost_units - ${later("'sent', 'part-sent'")}`
      }
    ),
    boundary
  )
  const older = "message_id IN (SELECT id FROM carillon_rebuild.scheduled_messages)"
  yield* query(attempts.copy("carillon", "carillon_rebuild", older))
  yield* query(contents.copy("carillon", "carillon_rebuild", older))
  // What the log no longer tells of the erased must not be lost, and what it still tells is in their rows already.
  const erased = "message_id IN (SELECT id FROM carillon_rebuild.scheduled_messages WHERE erased_at IS NOT NULL)"
  // Nor what an erasure took from the log that is about a person, not about a message: it changes no row.
  const ofPersons = "message_id = '' OR type = 'reply-received'"
  const kept = `(stored_at, sequence) < ${first} OR ${ofPersons} OR ${erased}`
  yield* query(timeline.copy("carillon", "carillon_rebuild", kept), boundary)
  yield* keepSums(query, storedAt)
})
