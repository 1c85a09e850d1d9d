// Follows the event log: what became of the messages of this database, into what is known of their rows and into the
// refusals. Nothing of a message from elsewhere is stored.
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { eventId } from "#shared/contract/CloudEvents.ts"
import { Event, type EventOf, messageId } from "#shared/contract/Events.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { lockByMessage, saveRows } from "../database/Tracked.ts"
import { advance, type Position, startingPoint } from "./Checkpoint.ts"
import { apply } from "./Outcome.ts"

export const followBatch = 1_000

const decode = decodeWith(Event)

/** What the event log says of messages, in its order. An event that a newer service wrote and we cannot read is left out. */
const read = (batch: ReadonlyArray<Delivery>): ReadonlyArray<Event> =>
  batch
    .map((delivery) => decode(delivery.string()))
    .filter(Result.isSuccess)
    .map(({ success }) => success as Event)

/** Into the rows that are known by these messages; a row whose wish may be carried out now is looked at again. */
const ontoRows = Effect.fnUntraced(function* (query: Query, bridge: string, events: ReadonlyArray<Event>) {
  const ours = events.filter((event) => messageId(event)?.startsWith(`${bridge}-`))
  if (ours.length === 0) return
  const ids = [...new Set(ours.map((event) => messageId(event) ?? ""))]
  const rows = new Map((yield* lockByMessage(query, bridge, ids)).map((row) => [row.messageId ?? "", row]))
  const again = new Map<string, string | null>()
  for (const event of ours) {
    const id = messageId(event) ?? ""
    const before = rows.get(id)
    if (!before) continue
    const { tracked, lookAgain } = apply(before, event)
    rows.set(id, tracked)
    if (lookAgain) again.set(tracked.rowId, tracked.changedAt)
  }
  yield* saveRows(query, bridge, [...rows.values()])
  if (again.size === 0) return
  yield* query(
    `INSERT INTO carillon_bridge.changes (bridge, row_id, at)
     SELECT $1, "rowId", coalesce(at, now()) FROM json_to_recordset($2::json) AS given("rowId" text, at timestamptz)
     WHERE EXISTS (SELECT FROM carillon_bridge.bridges WHERE name = $1 AND active)`,
    [bridge, JSON.stringify(Array.from(again, ([rowId, at]) => ({ rowId, at })))]
  )
})

/** Only of commands that went out from here: they wait in the outbox, or were published. */
const intoRefusals = Effect.fnUntraced(function* (query: Query, events: ReadonlyArray<Event>) {
  const refused = events.filter(
    (event): event is EventOf<"rejected"> => event.type === "rejected" && event.id !== undefined
  )
  if (refused.length === 0) return
  const rows = refused.map((event) => {
    const { id, command, problems, at } = event
    return { eventId: eventId(event), messageId: id, command, problems, at }
  })
  yield* query(
    `INSERT INTO carillon_outbox.refusals (event_id, message_id, command, problems, at)
     SELECT "eventId", "messageId", command, problems, at FROM json_to_recordset($1::json)
       AS given("eventId" text, "messageId" text, command text, problems jsonb, at timestamptz)
     WHERE EXISTS (SELECT FROM carillon_outbox.published p WHERE p.message_id = given."messageId")
        OR EXISTS (SELECT FROM carillon_outbox.commands c WHERE c.message_id = given."messageId")
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)]
  )
})

const write = Effect.fn("bridge.follow")(function* (
  { name, bridge }: Pick<Following, "name" | "bridge">,
  from: Position,
  batch: ReadonlyArray<Delivery>,
  events: ReadonlyArray<Event>
) {
  const { transaction } = yield* Postgres
  return yield* transaction(
    Effect.fnUntraced(function* (query) {
      const at = yield* advance(query, name, from, batch.at(-1)?.seq ?? from.sequence)
      yield* intoRefusals(query, events)
      if (bridge !== undefined) yield* ontoRows(query, bridge, events)
      return at
    })
  )
})

/** An event of which Postgres refuses a value costs only itself. */
const writeUsable = Effect.fnUntraced(function* (following: Following, from: Position, batch: ReadonlyArray<Delivery>) {
  return yield* write(following, from, batch, read(batch)).pipe(
    Effect.catchTag(
      "RefusedByPostgres",
      Effect.fnUntraced(function* () {
        let at = from
        for (const delivery of batch) {
          at = yield* write(following, at, [delivery], read([delivery])).pipe(
            Effect.catchTag("RefusedByPostgres", ({ code }) =>
              Effect.andThen(
                Effect.logError(`event ${delivery.seq} is left out: refused by Postgres: ${code}`),
                write(following, at, [delivery], [])
              )
            )
          )
        }
        return at
      })
    )
  )
})

export interface Following {
  /** Of the checkpoint. */
  readonly name: string
  /** Without one only refusals are kept. */
  readonly bridge: string | undefined
  readonly onProgress: (behind: number) => void
}

/** Until the log was made anew or put back, or another bridge is ahead: then begin again. */
export const follow = Effect.fnUntraced(
  function* (following: Following) {
    const { name, onProgress } = following
    const log = yield* EventLog
    const { query } = yield* Postgres
    let at = yield* startingPoint(query, name)
    const { take } = yield* log.from(at.sequence + 1)
    const reading = Effect.gen(function* () {
      while (true) {
        const batch = yield* take(followBatch)
        at = yield* writeUsable(following, at, batch)
        onProgress(batch.at(-1)?.info.pending ?? 0)
      }
    })
    yield* Effect.raceFirst(
      reading,
      stalled(at.log, () => at.sequence)
    )
    return true
  },
  Effect.scoped,
  Effect.catchTag("Overtaken", () => Effect.succeed(false))
)

/** Returns when the log is another one, or an earlier state of it, or when events that stood half a minute ago were still not read. */
const stalled = Effect.fnUntraced(function* (current: string, position: () => number) {
  const log = yield* EventLog
  let before = { position: -1, last: 0 }
  let times = 0
  while (true) {
    yield* Effect.sleep("5 seconds")
    const at = position()
    const look = yield* Effect.result(log.extent)
    if (Result.isFailure(look)) continue
    if (look.success.created !== current || look.success.last < at) return
    times = at === before.position && before.last > before.position ? times + 1 : 0
    if (times >= 6) return
    before = { position: at, last: look.success.last }
  }
})
