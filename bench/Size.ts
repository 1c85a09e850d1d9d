// What a message takes in the streams and tables, in bytes: sent at the first try, and while it waits for its time.
import { Effect } from "effect"
import pg from "pg"
import { lead } from "./Burst.ts"
import { commandOf, publishInBatches, scheduleSubject } from "./Publish.ts"
import type { Row } from "./Table.ts"
import { type Settings, until, type World, world } from "./World.ts"

const year = 365 * 86_400_000

const streamBytes = (of: World, stream: string) =>
  Effect.promise(async () => (await of.manager.streams.info(stream)).state.bytes)

/** With their indexes; contents are another matter, because they are kept for another time. */
const tableBytes = (databaseUrl: string) =>
  Effect.promise(async () => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      const { rows } = await client.query<{ readonly contents: boolean; readonly bytes: string }>(
        `SELECT relname = 'message_contents' AS contents, sum(pg_total_relation_size(oid)) AS bytes
         FROM pg_class WHERE relkind = 'r' AND relnamespace = 'carillon'::regnamespace GROUP BY 1`
      )
      const bytes = (contents: boolean) => Number(rows.find((row) => row.contents === contents)?.bytes ?? 0)
      return { contents: bytes(true), records: bytes(false) }
    } finally {
      await client.end()
    }
  })

export const measureSize = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? 20_000
  const of = yield* world(settings)
  yield* of.start
  const databaseUrl = of.environment.DATABASE_URL
  const look = Effect.all({
    events: streamBytes(of, "EVENTS"),
    timers: streamBytes(of, "TIMERS"),
    tables: tableBytes(databaseUrl)
  })
  const publish = (name: string, due: (index: number) => number) => {
    const payload = (index: number) => commandOf({ id: `${name}-${index}`, chat: 1_000_000 + index, due: due(index) })
    return Effect.promise(() => publishInBatches(of.connection, { subject: scheduleSubject, count, payload }))
  }
  const empty = yield* look

  yield* Effect.logInfo(`${count} messages that are sent`)
  const soon = Date.now() + 2 * lead
  yield* publish("sent", () => soon)
  yield* until("sent", of.rows("sent", soon), count, 300, 200)
  const sent = yield* look

  yield* Effect.logInfo(`${count} messages that wait`)
  const far = Date.now() + year
  yield* publish("waiting", () => far)
  yield* until("waiting", of.rows("pending", far), count, 300, 200)
  const waiting = yield* look
  yield* of.stop

  const each = (what: string, after: number, before: number): Row => ({
    what: `a message of 65 characters: ${what}`,
    measured: (after - before) / count,
    unit: "B"
  })
  return [
    each("in the stream EVENTS, sent at the first try", sent.events, empty.events),
    each("in the tables, its record, sent at the first try", sent.tables.records, empty.tables.records),
    each("in the tables, its text and address", sent.tables.contents, empty.tables.contents),
    each("in the stream TIMERS while it waits", waiting.timers, sent.timers)
  ] satisfies ReadonlyArray<Row>
})
