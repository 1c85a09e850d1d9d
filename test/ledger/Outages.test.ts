// Postgres stopped while events flow, and ledgers killed at any point: every event is projected, once.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, type Scope } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { eventually } from "../support/Carillon.ts"
import { pooled, withPgBouncer } from "../support/servers/PgBouncer.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { testPostgres } from "../support/servers/TestPostgres.ts"
import { livesOf, scheduled } from "./Histories.ts"
import { expected, world, worldOf } from "./World.ts"

/** Kills Postgres again and again while events come, and looks that each of them is projected once. */
const survivesCrashes = (behind: (url: string) => Effect.Effect<string, never, Scope.Scope>) =>
  Effect.gen(function* () {
    const postgres = yield* testPostgres
    const url = yield* behind(postgres.url)
    const { append, count, environment, projected, recorded, rows } = yield* worldOf(yield* testNats, { url })
    const ledger = yield* serviceProcess("ledger", environment)
    yield* ledger.start
    const events = livesOf("m", 1_700)
    let appended = 0
    const feed = Effect.gen(function* () {
      for (; appended < events.length; appended += 100) yield* append(events.slice(appended, appended + 100))
    })
    const crashes = Effect.gen(function* () {
      for (const part of [0.1, 0.3, 0.5]) {
        yield* eventually(
          "events on their way",
          Effect.sync(() => appended),
          (n) => n > events.length * part
        )
        const waits = () => {
          assert.isTrue(ledger.running(), ledger.output().slice(-2_000))
          return ledger.output().split("The projection waits").length
        }
        const told = waits()
        yield* postgres.kill9
        yield* append([scheduled(`meanwhile-${part * 10}`)])
        yield* eventually("the ledger to say that it waits", Effect.sync(waits), (n) => n > told)
        yield* postgres.start
        const before = yield* Effect.retry(count("message_events"), Schedule.spaced("100 millis"))
        yield* eventually(
          "the projection to go on",
          Effect.orElseSucceed(count("message_events"), () => 0),
          (n) => n > before || n >= events.length
        )
      }
    })
    yield* Effect.all([feed, crashes], { concurrency: "unbounded" })
    yield* projected
    const { timeline, ...found } = yield* rows
    const log = yield* recorded
    assert.strictEqual(log.length, events.length + 3)
    assert.deepStrictEqual(found as unknown, expected(log))
    assert.strictEqual(timeline.length, log.length)
    assert.match(ledger.output(), /The projection waits: .* \d+ events behind/)
    assert.notInclude(ledger.output(), "secret-")
    assert.strictEqual(yield* ledger.stop, 0)
  })

describe("the ledger", () => {
  it.live("goes on where it was when Postgres comes back", () =>
    Effect.gen(function* () {
      const postgres = yield* testPostgres
      const nats = yield* testNats
      const { append, ledger, projected, recorded, rows } = yield* worldOf(nats, postgres)
      yield* ledger
      const events = livesOf("m", 660)
      yield* append(events.slice(0, 1_000))
      yield* postgres.stop
      yield* append(events.slice(1_000, 2_000))
      yield* postgres.start
      yield* append(events.slice(2_000))
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, events.length)
    })
  )

  it.live(
    "projects each event once though Postgres is killed in the middle of batches, and says how far it is behind",
    () => survivesCrashes(Effect.succeed)
  )

  it.live("and through a pooler in transaction mode", () =>
    withPgBouncer((bouncer) => survivesCrashes((url) => Effect.orDie(pooled(bouncer, url))))
  )

  it.live("projects each event once though it is killed again and again", () =>
    Effect.gen(function* () {
      const { append, environment, nats: _, projected, recorded, rows } = yield* world
      const one = yield* serviceProcess("ledger", environment)
      const other = yield* serviceProcess("ledger", environment)
      yield* Effect.all([one.start, other.start], { concurrency: "unbounded" })
      const events = livesOf("m", 1_100)
      const feed = Effect.gen(function* () {
        for (let from = 0; from < events.length; from += 100) yield* append(events.slice(from, from + 100))
      })
      const kills = Effect.gen(function* () {
        for (const service of [one, other, one, other]) yield* Effect.andThen(service.kill9, service.start)
      })
      yield* Effect.all([feed, kills], { concurrency: "unbounded" })
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, events.length)
      assert.notInclude(one.output() + other.output(), "secret-")
      assert.strictEqual(yield* one.stop, 0)
    })
  )
})
