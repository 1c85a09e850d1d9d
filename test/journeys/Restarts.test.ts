// Servers and services restarted with timers pending and sends under way: everything still arrives, once.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceNames, serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { pendingTimers } from "../support/Streams.ts"
import { databaseAt } from "../support/servers/TestDatabase.ts"
import { testPostgres } from "../support/servers/TestPostgres.ts"

const ids = Array.from({ length: 50 }, (_, index) => `m-${index}`)
const texts = ids.map((id) => `text of ${id}`).sort()

describe("NATS killed with -9 and started again with timers pending", () => {
  it.live("fires every one of them, once", () =>
    Effect.gen(function* () {
      const { nats, database, phones, start } = yield* carillon()
      yield* start
      const due = Date.now() + 8_000
      yield* publishPlainly(
        nats.url,
        ids.map((id) => command(id, 8_000))
      )
      yield* eventually("all armed", pendingTimers(nats.url), (timers) => timers.length === ids.length)
      yield* nats.kill9
      yield* nats.start
      const sent = Effect.map(
        database.query("select id from carillon.scheduled_messages where status = 'sent'"),
        (rows) => rows.length
      )
      yield* eventually("all sent", sent, (count) => count === ids.length)
      assert.deepStrictEqual(phones.received.map(({ text }) => text).sort(), texts)
      assert.isTrue(phones.received.every(({ at }) => at >= due))
    })
  )
})

describe("Postgres stopped and started again with timers pending", () => {
  it.live("does not hold back a send, and has every one of them recorded in the end", () =>
    Effect.gen(function* () {
      const { nats, phones, environment } = yield* carillon()
      const postgres = yield* testPostgres
      const services = yield* Effect.forEach(serviceNames, (name) =>
        serviceProcess(name, { ...environment, DATABASE_URL: postgres.url })
      )
      yield* Effect.forEach(services, (service) => service.start, { concurrency: "unbounded" })
      yield* publishPlainly(
        nats.url,
        ids.map((id) => command(id, 4_000))
      )
      yield* eventually("all armed", pendingTimers(nats.url), (timers) => timers.length === ids.length)
      yield* postgres.stop
      yield* eventually(
        "all arrived",
        Effect.sync(() => phones.received.length),
        (count) => count === ids.length
      )
      yield* postgres.start
      const { query } = yield* databaseAt(postgres.url)
      const sent = Effect.map(
        query("select count(*) as n from carillon.scheduled_messages where status = 'sent'"),
        (rows) => Number(rows[0]?.n)
      )
      yield* eventually("all recorded", sent, (count) => count === ids.length)
      assert.deepStrictEqual(phones.received.map(({ text }) => text).sort(), texts)
    })
  )
})

describe("SIGTERM", () => {
  for (const name of serviceNames) {
    it.live(`ends the ${name} with 0`, () =>
      Effect.gen(function* () {
        const { services } = yield* carillon({ processes: [name] })
        yield* services[name].start
        assert.strictEqual(yield* services[name].stop, 0)
      })
    )
  }
})
