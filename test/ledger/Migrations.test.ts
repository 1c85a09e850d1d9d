// Each migration on a database of the version before it, filled with what a ledger had written: every row survives and
// means the same, and the ledger goes on.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Option } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import { writeEvents } from "../../services/ledger/projection/Batch.ts"
import { begin, checkpoint } from "../../services/ledger/projection/Checkpoint.ts"
import { keys as sumKeys } from "../../services/ledger/projection/Rollups.ts"
import { rollupTables } from "../../services/ledger/projection/RollupTables.ts"
import { tables } from "../../services/ledger/projection/Tables.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { livesOf, scheduled, sent } from "./Histories.ts"

const versions = readdirSync(join(import.meta.dirname, "../../services/ledger/migrations"))
  .flatMap((file) => /^(\d+)\.do\..+\.sql$/.exec(file)?.[1] ?? [])
  .map(Number)
  .sort((a, b) => a - b)

type Rows = Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>

/** What a migration makes of old values, where it does not leave them as they are. */
const meaning = (version: number, table: string, row: Readonly<Record<string, unknown>>) =>
  version === 4 && table === "message_events" ? { ...row, message_id: row.message_id ?? "" } : row

const keys: Readonly<Record<string, ReadonlyArray<string>>> = {
  scheduled_messages: ["id"],
  message_contents: ["message_id"],
  message_delivery_attempts: ["message_id", "attempt"],
  message_events: ["event_id"],
  message_rollups_hourly: sumKeys,
  message_rollups_daily: sumKeys
}
const keyOf = (table: string, row: Readonly<Record<string, unknown>>) => keys[table]?.map((key) => row[key]).join(" ")

/** The sums by their keys; zeros at the end of the lateness say nothing. */
const sumsOf = (rows: Rows) =>
  rollupTables.map((table) => {
    const sums = (rows[table] ?? []).map((row) => {
      const lateness = row.lateness as ReadonlyArray<number>
      return { ...row, lateness: lateness.slice(0, lateness.findLastIndex((count) => count !== 0) + 1) }
    })
    return new Map(sums.map((row) => [keyOf(table, row), row]))
  })

const log = livesOf("m", 34).map((event, index) => ({
  event,
  sequence: index + 1,
  storedAt: fromMillis(Date.UTC(2026, 10, 1) + index)
}))

const database = Effect.gen(function* () {
  const { url } = yield* testDatabase
  const layer = Layer.mergeAll(Postgres.layer, Reader.layer).pipe(
    Layer.provideMerge(Readiness.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ DATABASE_URL: url })))
  )
  const services = yield* Layer.build(Layer.fresh(layer))
  const postgres = Context.get(services, Postgres)
  const rows = Effect.gen(function* () {
    const found: Record<string, Rows[string]> = {}
    const standing = yield* postgres.query<{ readonly name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'carillon'::regnamespace"
    )
    for (const table of tables.filter((table) => standing.some(({ name }) => name === table))) {
      const [row] = yield* postgres.query<{ readonly rows: Rows[string] | null }>(
        `SELECT json_agg(t) AS rows FROM carillon.${table} t`
      )
      found[table] = row?.rows ?? []
    }
    return found as Rows
  })
  const project = Effect.fnUntraced(function* (events: typeof log) {
    const at =
      (yield* checkpoint(postgres.query, "carillon")) ?? (yield* begin(postgres.query, "carillon", fromMillis(0)))
    const { log: name, sequence } = at
    const last = Math.max(sequence, ...events.map((event) => event.sequence))
    yield* postgres.transaction((query) => writeEvents(query, "carillon", { log: name, sequence }, last, events))
  })
  return {
    postgres,
    rows,
    project,
    reader: Context.get(services, Reader),
    to: (version?: number) => Effect.provideContext(migrate("carillon", version), services)
  }
})

/** As the newest version has them. */
const whole = Effect.gen(function* () {
  const { project, rows, to } = yield* database
  yield* to()
  yield* project(log)
  return yield* rows
})

describe("the migrations", () => {
  it.live.each(versions.slice(1).map((version, index) => [version, versions[index] ?? 0] as const))(
    "to version %d leave what stood at version %d",
    ([version, before]) =>
      Effect.gen(function* () {
        const newest = yield* whole
        const { postgres, project, reader, rows, to } = yield* database
        yield* to(before)
        const standing = Object.keys(yield* rows)
        for (const table of standing) {
          const old = newest[table]?.map((row) =>
            row.message_id === "" && version <= 4 ? { ...row, message_id: null } : row
          )
          // Of each row the columns that there were.
          yield* postgres.query(
            `INSERT INTO carillon.${table} SELECT * FROM json_populate_recordset(null::carillon.${table}, $1)`,
            [JSON.stringify(old)]
          )
        }
        const stood = yield* rows
        for (const table of standing) assert.strictEqual(stood[table]?.length, newest[table]?.length, table)
        yield* to(version)
        const after = yield* rows
        for (const table of standing) {
          const found = new Map(after[table]?.map((row) => [keyOf(table, row), row]))
          assert.strictEqual(found.size, stood[table]?.length, table)
          for (const row of stood[table] ?? [])
            assert.deepInclude(found.get(keyOf(table, row)) ?? {}, meaning(version, table, row), table)
        }
        yield* to()
        const upToDate = yield* rows
        // The first version knew no senders: what is summed by them is another.
        if (before > 1) assert.deepStrictEqual(sumsOf(upToDate), sumsOf(newest))
        // The log said again changes nothing, and what is new goes on from there.
        yield* project(log)
        assert.deepStrictEqual(yield* rows, upToDate)
        const more = [scheduled("new"), sent("new")].map((event, index) => ({
          event,
          sequence: log.length + 1 + index,
          storedAt: fromMillis(Date.UTC(2026, 10, 2))
        }))
        yield* project(more)
        assert.strictEqual(Option.getOrThrow(yield* reader.show("new")).message.status, "sent")
        assert.isAbove((yield* reader.list({ status: "sent" })).length, 5)
      })
  )

  it.live("describe every column", () =>
    Effect.gen(function* () {
      const { postgres, to } = yield* database
      yield* to()
      const undescribed = yield* postgres.query<{ readonly name: string }>(
        `SELECT relname || '.' || attname AS name FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
         WHERE relnamespace = 'carillon'::regnamespace AND relkind = 'r' AND relname <> 'schema_version'
           AND NOT attisdropped AND col_description(c.oid, attnum) IS NULL ORDER BY 1`
      )
      assert.deepStrictEqual(
        undescribed.map(({ name }) => name),
        []
      )
    })
  )
})

describe("a ledger that is older than the tables, as after a rollback", () => {
  it.live("begins and records, and leaves alone what it does not know", () =>
    Effect.gen(function* () {
      const { database, nats, services, start } = yield* carillon({ services: ["scheduler", "ledger"] })
      yield* start
      yield* services.ledger.stop
      // What a version after this one might have added.
      const next = Math.max(...versions) + 1
      yield* database.query("alter table carillon.scheduled_messages add column later text default 'later'")
      yield* database.query(
        "insert into carillon.schema_version (version, name, md5, run_at) values ($1, 'later', 'x', now())",
        [next]
      )
      yield* services.ledger.start
      yield* publishPlainly(nats.url, [command("since", 3_600_000)])
      yield* eventually("recorded", statusOf(database, "since"), (status) => status === "pending")
      assert.deepStrictEqual(yield* database.query("select later from carillon.scheduled_messages"), [
        { later: "later" }
      ])
      const found = yield* database.query("select max(version)::int as version from carillon.schema_version")
      assert.deepStrictEqual(found, [{ version: next }])
    })
  )
})
