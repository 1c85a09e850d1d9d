// Postgres stopped while events flow, and ledgers killed at any point: every event is projected, once.
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schedule, Scope } from "effect"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { testNats } from "../support/TestNats.ts"
import { livesOf } from "./Histories.ts"
import { expected, world, worldOf } from "./World.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(join(tmpdir(), "carillon-outage-"))
    chmodSync(made, 0o755)
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

describe("the ledger", () => {
  it.live("goes on where it was when Postgres comes back", () =>
    Effect.gen(function* () {
      const dataDir = join(yield* folder, "postgres")
      const port = yield* freePort
      const start = Effect.gen(function* () {
        const scope = yield* Scope.make()
        const stop = Scope.close(scope, Exit.void)
        const { url } = yield* startPostgres({ dataDir, port, database: "carillon" }).pipe(
          Scope.provide(scope),
          Effect.onError(() => stop)
        )
        return { url, stop }
      }).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 50 }))
      const first = yield* start
      const nats = yield* testNats
      const { append, ledger, projected, recorded, rows } = yield* worldOf(nats, first)
      yield* ledger
      const events = livesOf("m", 660)
      yield* append(events.slice(0, 1_000))
      yield* first.stop
      yield* append(events.slice(1_000, 2_000))
      const second = yield* start
      yield* append(events.slice(2_000))
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, events.length)
      yield* second.stop
    })
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
