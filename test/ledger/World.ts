// What a test of the ledger stands on: a nats-server and a database of its own, and ledgers to start and stop.
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { eventId } from "#shared/contract/CloudEvents.ts"
import type { Event } from "#shared/contract/Events.ts"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { run } from "../../services/ledger/Ledger.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import { arrived, readable } from "../../services/ledger/projection/Batch.ts"
import { fold, noRows } from "../../services/ledger/projection/Projection.ts"
import type { RollupRow } from "../../services/ledger/projection/Rollups.ts"
import { recomputed } from "../../services/ledger/projection/RollupTables.ts"
import type { AttemptRow, ContentRow, MessageRow, TimelineRow } from "../../services/ledger/projection/Rows.ts"
import { attempts, contents, messages, timeline } from "../../services/ledger/projection/Tables.ts"
import type { Recorded } from "../../services/ledger/projection/Timeline.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { eventually } from "../support/Carillon.ts"
import { type Database, testDatabase } from "../support/servers/TestDatabase.ts"
import { type TestNats, testNats } from "../support/servers/TestNats.ts"

const layers = Layer.mergeAll(natsLayer("test"), Postgres.layer, Reader.layer).pipe(Layer.provideMerge(Readiness.layer))

export const world = Effect.gen(function* () {
  const nats = yield* testNats
  const database = yield* testDatabase
  return yield* worldOf(nats, database)
})

/** With TABLES_MANAGE=none among the settings, tables are for the test to make. */
export const worldOf = Effect.fnUntraced(function* (
  nats: TestNats,
  database: Pick<Database, "url">,
  settings: { readonly TABLES_MANAGE?: "none" } = {}
) {
  const environment = { NATS_URL: nats.url, DATABASE_URL: database.url, ...settings }
  const settled = ConfigProvider.fromUnknown(settings)
  const build = Effect.provideService(
    Layer.build(Layer.fresh(layers)),
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromUnknown(environment)
  )
  const services = yield* build
  yield* Effect.provideContext(provision([]), services)
  if (settings.TABLES_MANAGE !== "none") yield* Effect.provideContext(migrate("carillon"), services)
  const publisher = Context.get(services, Publisher)
  const postgres = Context.get(services, Postgres)
  const reader = Context.get(services, Reader)
  let copies = 0

  /** Every row of every table, as the projection computes with them; in the order of their keys. */
  const rows = Effect.gen(function* () {
    const all = <Row extends object>(table: { readonly name: string; readonly selected: string }, key: string) =>
      postgres.query<Row>(`SELECT ${table.selected} FROM carillon.${table.name} ORDER BY ${key}`)
    return {
      messages: yield* all<MessageRow>(messages, "id"),
      contents: yield* all<ContentRow>(contents, "message_id"),
      attempts: yield* all<AttemptRow>(attempts, "message_id, attempt"),
      timeline: yield* all<TimelineRow>(timeline, "event_id")
    }
  })
  const count = (table: string) =>
    Effect.map(
      postgres.query<{ readonly n: number }>(`SELECT count(*) AS n FROM carillon.${table}`),
      ([row]) => row?.n ?? 0
    )

  /** The sums by hour and day, and what they come to by the rows that stand. */
  const sums = Effect.gen(function* () {
    const all = (sql: string) =>
      Effect.map(
        postgres.query<RollupRow & Record<string, unknown>>(`SELECT * FROM (${sql}) sums ORDER BY 1, 2, 3, 4, 5`),
        (rows) => rows.map(plain)
      )
    return {
      hourly: yield* all("SELECT * FROM carillon.message_rollups_hourly"),
      daily: yield* all("SELECT * FROM carillon.message_rollups_daily"),
      ofRows: {
        hourly: yield* all(recomputed("carillon", "hourly")),
        daily: yield* all(recomputed("carillon", "daily"))
      }
    }
  })

  return {
    nats,
    environment,
    sums,
    services,
    postgres,
    reader,
    rows,
    count,
    log: Context.get(services, EventLog),
    manager: Context.get(services, Nats).manager,
    append: (events: ReadonlyArray<Event>) => publisher.append(events),
    /** As when they are said again after the duplicate window: only the names by which NATS knows them differ. */
    appendCopies: (events: ReadonlyArray<Event>) =>
      publisher.publish(events.map((event) => ({ ...eventMessage(event, "test"), messageId: `copy-${copies++}` }))),
    publish: publisher.publish,
    /** A ledger until the scope closes, with connections of its own. */
    ledger: Effect.flatMap(build, (own) =>
      Effect.forkScoped(
        Effect.provide(Effect.provideContext(run, own), ConfigProvider.layerAdd(settled, { asPrimary: true }))
      )
    ),
    /** The whole log, as far as it can be read. */
    recorded: Effect.gen(function* () {
      const log = Context.get(services, EventLog)
      const { first, last } = yield* log.extent
      const all: Array<Recorded> = []
      if (last < first) return all
      const { take } = yield* log.reading(first, arrived)
      for (let sequence = 0; sequence < last; ) {
        const some = yield* take(500)
        sequence = some.at(-1)?.sequence ?? last
        all.push(...readable(some))
      }
      return all
    }).pipe(Effect.scoped),
    /** Until the checkpoint is where the log ends. */
    projected: Effect.gen(function* () {
      const { last } = yield* Context.get(services, EventLog).extent
      yield* eventually(
        `event ${last} projected`,
        postgres.query<{ readonly position: number }>("SELECT position FROM carillon.projection_checkpoints"),
        ([row]) => (row?.position ?? 0) >= last
      )
    })
  }
})

/** The rows that the rules make of this log. */
export const expected = (recorded: ReadonlyArray<Recorded>) => {
  const seen = new Set<string>()
  const rows = fold(
    noRows,
    recorded.filter(({ event }) => !seen.has(eventId(event)) && seen.add(eventId(event)))
  )
  const sorted = <A>(map: ReadonlyMap<string, A>) =>
    [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, row]) => (row === null ? [] : [row]))
  return { messages: sorted(rows.messages), contents: sorted(rows.contents), attempts: sorted(rows.attempts) }
}

/** As the code names the columns; zeros at the end of the lateness say nothing. */
const plain = ({ possible_duplicates, cost_units, ...row }: RollupRow & Record<string, unknown>) => ({
  ...row,
  possibleDuplicates: Number(possible_duplicates),
  costUnits: Number(cost_units),
  lateness: row.lateness.slice(0, row.lateness.findLastIndex((count) => count !== 0) + 1)
})
