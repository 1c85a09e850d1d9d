// Postgres stopped and started again under a running bridge: it waits, and goes on with what the application wrote.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { migrate } from "../../services/table-bridge/Migration.ts"
import { eventually } from "../support/Carillon.ts"
import { figureOf } from "../support/Figures.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { eventsOf } from "../support/Streams.ts"
import { databaseAt, testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { testPostgres } from "../support/servers/TestPostgres.ts"
import { bridgeOf, configuration, outboxSql, servicesOf, tables } from "./World.ts"

describe("the table bridge", () => {
  it.live("goes on by itself when Postgres comes back", () =>
    Effect.gen(function* () {
      const postgres = yield* testPostgres
      const nats = yield* testNats
      const database = yield* databaseAt(postgres.url)
      yield* database.query(tables)
      yield* Effect.provideContext(migrate(bridgeOf()), yield* servicesOf(nats, postgres))
      const config = join(yield* temporaryFolder("bridge"), "bridge.json")
      writeFileSync(config, JSON.stringify(configuration))
      const environment = { NATS_URL: nats.url, DATABASE_URL: postgres.url, TABLE_BRIDGE_CONFIG: config }
      const scheduler = yield* hostedService("scheduler", environment)
      const bridge = yield* serviceProcess("table-bridge", environment)
      yield* Effect.all([scheduler.start, bridge.start], { concurrency: "unbounded" })
      yield* database.query("INSERT INTO patients (telegram_chat_id) VALUES (4711)")
      const insert = database.query(
        "INSERT INTO scheduled_messages (patient_id, body, send_at) SELECT id, 'x', now() + interval '1 hour' FROM patients, generate_series(1, 20)"
      )
      const scheduled = (count: number) =>
        eventually(
          `${count} scheduled`,
          eventsOf(nats.url, "carillon.event.scheduled.>"),
          ({ length }) => length >= count
        )
      yield* insert
      yield* scheduled(20)
      yield* postgres.stop
      yield* eventually("says that it waits", Effect.sync(bridge.output), (text) => text.includes("waits: Postgres:"))
      yield* postgres.start
      yield* insert
      const events = yield* scheduled(40)
      assert.lengthOf(events, 40)
      yield* eventually(
        "written back",
        database.query("SELECT count(*)::int AS n FROM scheduled_messages WHERE carillon_status = 'pending'"),
        ([row]) => row?.n === 40
      )
      assert.strictEqual(yield* bridge.stop, 0)
    })
  )

  it.live("shows for how long a work of it has failed, and no longer when it works again", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const database = yield* testDatabase
      yield* database.query(outboxSql)
      const bridge = yield* serviceProcess("table-bridge", { NATS_URL: nats.url, DATABASE_URL: database.url })
      yield* bridge.start
      const failing = figureOf(bridge, "carillon_bridge_failing_seconds", 'work="the outbox"')
      yield* eventually("works at first", failing, (seconds) => seconds === 0)
      yield* database.query("ALTER TABLE carillon_outbox.published ADD CHECK (message_id <> 'm')")
      yield* database.query("SELECT carillon.schedule_message('m', '1', 'x', now() + interval '1 hour')")
      yield* eventually("fails", failing, (seconds) => seconds > 0)
      yield* database.query("ALTER TABLE carillon_outbox.published DROP CONSTRAINT published_message_id_check")
      yield* eventually("works again", failing, (seconds) => seconds === 0)
    })
  )

  it.live("shows when it looked last, which is no later than when Postgres went away", () =>
    Effect.gen(function* () {
      const postgres = yield* testPostgres
      const nats = yield* testNats
      const database = yield* databaseAt(postgres.url)
      yield* database.query(outboxSql)
      const bridge = yield* serviceProcess("table-bridge", { NATS_URL: nats.url, DATABASE_URL: postgres.url })
      const startedAt = Date.now() / 1_000
      yield* bridge.start
      const lookedAt = figureOf(bridge, "carillon_bridge_looked_at_seconds")
      yield* eventually("a look", lookedAt, (at) => at >= startedAt)
      yield* postgres.stop
      const stoppedAt = Date.now() / 1_000
      yield* eventually("says that it waits", Effect.sync(bridge.output), (text) => text.includes("waits: Postgres:"))
      assert.isAtMost(yield* lookedAt, stoppedAt)
      yield* postgres.start
      yield* eventually("a look again", lookedAt, (at) => at > stoppedAt)
    })
  )
})
