// What a rebuild cannot find in the log any more, nor in older rows: messages that wait for a time so far ahead that what
// scheduled them has left the log. Their timers know everything of them.
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { browse } from "#shared/nats/messages/Browse.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import type { SchemaName } from "../Migrations.ts"
import { waitingRows } from "../projection/Projection.ts"
import { changes } from "../projection/Rollups.ts"
import { addSums } from "../projection/RollupTables.ts"
import { contents, messages } from "../projection/Tables.ts"

const decode = decodeWith(Attempt)

/** A timer is armed after its event is stored, within this time even where the scheduler was killed in between. */
const marginMillis = 3_600_000

/**
 * Adds those that have no row. `began`: when the oldest event of the log was stored; younger timers have theirs in the
 * log. `caughtUp` is run after each look at the timers: then the log has been projected as far as they are known to it.
 */
export const addWaiting = Effect.fn("ledger.addWaiting")(function* <E, R>(
  schema: SchemaName,
  began: number,
  caughtUp: Effect.Effect<unknown, E, R>
) {
  const { transaction } = yield* Postgres
  let added = 0
  yield* browse("TIMERS", Subject.pending("*"), (page) =>
    Effect.gen(function* () {
      yield* caughtUp
      const old = page.filter(({ storedAt }) => storedAt < began + marginMillis)
      const rows = old.flatMap(({ storedAt, text }) => {
        const attempt = decode(text)
        return Result.isSuccess(attempt) ? [waitingRows(attempt.success, fromMillis(storedAt))] : []
      })
      if (rows.length > 0) added += yield* transaction((query) => insert(query, schema, rows))
      return old.length === page.length
    })
  )
  return added
})

const insert = Effect.fnUntraced(function* (
  query: Query,
  schema: SchemaName,
  rows: ReadonlyArray<ReturnType<typeof waitingRows>>
) {
  const [answer] = yield* query<{ readonly added: ReadonlyArray<string> | null }>(messages.insertNew(schema), [
    JSON.stringify(rows.map(({ message }) => message)),
    rows.length
  ])
  const added = answer?.added ? new Set(answer.added) : undefined
  const fresh = rows.filter(({ message }) => added === undefined || added.has(message.id))
  yield* query(contents.insertNew(schema), [JSON.stringify(fresh.map(({ content }) => content)), fresh.length])
  yield* addSums(query, schema, changes(new Map(), new Map(fresh.map(({ message }) => [message.id, message]))))
  return fresh.length
})
