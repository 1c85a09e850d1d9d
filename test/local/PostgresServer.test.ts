// Our own Postgres: its data outlive it, what an earlier run left is taken over, Ctrl-C stays ours.
import { spawn } from "node:child_process"
import { readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { databaseAt } from "../support/servers/TestDatabase.ts"

const aDataDir = Effect.map(temporaryFolder("postgres"), (folder) => join(folder, "data"))

const start = (dataDir: string, port = 0) => startPostgres({ dataDir, port, database: "carillon" })

const ask = (url: string, sql: string) =>
  Effect.scoped(Effect.flatMap(databaseAt(url), (database) => database.query(sql)))

const keepOne = (url: string) => ask(url, "create table kept as select 1 as found")
const kept = (url: string) => Effect.map(ask(url, "select found from kept"), (rows) => rows[0]?.found)

describe("Postgres", () => {
  it.live("has its rows and its password again after a stop, and after kill -9", () =>
    Effect.gen(function* () {
      const dataDir = yield* aDataDir
      const first = yield* Effect.scoped(Effect.tap(start(dataDir), ({ url }) => keepOne(url)))
      assert.strictEqual(statSync(`${dataDir}.password`).mode & 0o777, 0o600)
      const scope = yield* Scope.make()
      const second = yield* start(dataDir, first.port).pipe(Scope.provide(scope))
      assert.strictEqual(second.url, first.url)
      assert.strictEqual(yield* kept(second.url), 1)
      process.kill(second.pid, "SIGKILL")
      yield* Scope.close(scope, Exit.void)
      const third = yield* start(dataDir, first.port)
      assert.strictEqual(yield* kept(third.url), 1)
    })
  )

  it.live("left behind by a killed run is ended, and its data taken over", () =>
    Effect.gen(function* () {
      const dataDir = yield* aDataDir
      const orphan = yield* start(dataDir)
      yield* keepOne(orphan.url)
      const server = yield* start(dataDir, orphan.port)
      assert.notStrictEqual(server.pid, orphan.pid)
      assert.strictEqual(yield* kept(server.url), 1)
    })
  )

  it.live("starts though another process has the id that a killed one left in its folder", () =>
    Effect.gen(function* () {
      const dataDir = yield* aDataDir
      yield* Effect.scoped(start(dataDir))
      const { uid, gid } = statSync(dataDir)
      const other = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sleep", ["100"], { uid, gid, stdio: "ignore" })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      writeFileSync(join(dataDir, "postmaster.pid"), `${other.pid}\n${dataDir}\n1700000000\n1\n\n127.0.0.1\n\nready\n`)
      yield* start(dataDir)
      assert.isNull(other.exitCode ?? other.signalCode)
    })
  )

  it.live("without its password says what is missing", () =>
    Effect.gen(function* () {
      const dataDir = yield* aDataDir
      yield* Effect.scoped(start(dataDir))
      unlinkSync(`${dataDir}.password`)
      const { message } = yield* Effect.flip(start(dataDir))
      assert.include(message, `${dataDir}.password`)
    })
  )

  it.live("leaves the signals of this process, and what it was told in confidence, to itself", () =>
    Effect.gen(function* () {
      const before = ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal))
      process.env.TELEGRAM_BOT_TOKEN = "1:a-secret"
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          delete process.env.TELEGRAM_BOT_TOKEN
        })
      )
      const { pid } = yield* start(yield* aDataDir)
      assert.deepStrictEqual(
        ["SIGINT", "SIGTERM"].map((signal) => process.listenerCount(signal)),
        before
      )
      assert.notInclude(readFileSync(`/proc/${pid}/environ`, "utf8"), "a-secret")
    })
  )
})
