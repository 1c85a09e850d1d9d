// The ledger with the least rights, and the role for dashboards: what it can read, and what it cannot.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Queue } from "effect"
import { files } from "../../deploy/grafana/generate/main.ts"
import { verifier } from "../../deploy/postgres/Verifier.ts"
import { rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { cli } from "../support/Cli.ts"
import { databaseAt, testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { livesOf } from "./Histories.ts"
import { expected, worldOf } from "./World.ts"

const root = join(import.meta.dirname, "../..")

/** Every query that a dashboard asks of Postgres. */
const dashboardQueries = files
  .flatMap(({ text }) => [...text.matchAll(/"rawSql": ("(?:[^"\\]|\\.)*")/g)])
  .map(([, sql]) => (JSON.parse(sql ?? '""') as string).replaceAll("${id:sqlstring}", "'m-1'"))

const as = (url: string, user: string) => {
  const found = new URL(url)
  found.username = user
  found.password = "secret"
  return found.href
}

const withRoles = Effect.gen(function* () {
  const admin = yield* testDatabase
  const sql = readFileSync(join(root, "deploy/postgres/roles.sql"), "utf8")
  yield* admin.query(sql)
  yield* admin.query(sql)
  for (const role of ["carillon_ledger", "carillon_writer", "carillon_reader"])
    yield* admin.query(`ALTER ROLE ${role} PASSWORD '${verifier("secret")}'`)
  return admin
})

const roles = Effect.gen(function* () {
  const admin = yield* withRoles
  const all = yield* worldOf(yield* testNats, { url: as(admin.url, "carillon_ledger") })
  yield* all.append(livesOf("m", 34))
  yield* all.ledger
  yield* all.projected
  const reader = yield* databaseAt(as(admin.url, "carillon_reader"))
  return {
    ...all,
    admin,
    asReader: reader.query,
    again: Effect.provideContext(rebuild({ onProgress: () => Effect.void }), all.services)
  }
})

const denied = (query: Effect.Effect<unknown>) =>
  Effect.map(
    Effect.exit(query),
    (exit) => Exit.isFailure(exit) && /permission denied|read-only transaction/.test(String(exit.cause))
  )

describe("a password that Postgres is not told", () => {
  it.live("lets in who has it, and nobody else", () =>
    Effect.gen(function* () {
      const admin = yield* withRoles
      const user = (yield* databaseAt(as(admin.url, "carillon_reader"))).query("SELECT current_user AS name")
      assert.deepStrictEqual(yield* user, [{ name: "carillon_reader" }])
      const wrong = as(admin.url, "carillon_reader").replace("secret", "guessed")
      const refused = yield* Effect.exit((yield* databaseAt(wrong)).query("SELECT 1"))
      assert.match(String(Exit.isFailure(refused) && refused.cause), /password authentication failed/)
    })
  )
})

describe("the role for dashboards", () => {
  it.live("reads all that a dashboard asks, and neither text nor address, before a rebuild and after", () =>
    Effect.gen(function* () {
      const { again, asReader } = yield* roles
      assert.isAbove(dashboardQueries.length, 5)
      const readable = Effect.gen(function* () {
        for (const sql of dashboardQueries) yield* asReader(sql)
        assert.isAbove((yield* asReader("SELECT * FROM carillon.scheduled_messages")).length, 20)
        assert.isTrue(yield* denied(asReader("SELECT * FROM carillon.message_contents")))
        assert.isTrue(yield* denied(asReader("SELECT count(*) FROM carillon.message_contents")))
      })
      yield* readable
      yield* again
      yield* readable
    })
  )

  it.live("changes nothing, whatever it tries", () =>
    Effect.gen(function* () {
      const { admin, asReader, rows } = yield* roles
      const before = yield* rows
      const tables = yield* admin.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'carillon'::regnamespace AND relkind = 'r'"
      )
      const attempts = [
        ...tables.flatMap(({ relname }) => [
          `DELETE FROM carillon.${relname}`,
          `TRUNCATE carillon.${relname}`,
          `INSERT INTO carillon.${relname} SELECT * FROM carillon.${relname}`,
          `DROP TABLE carillon.${relname}`
        ]),
        "CREATE TABLE carillon.mine (n int)",
        "CREATE SCHEMA mine",
        "SELECT set_config('default_transaction_read_only', 'off', false); DELETE FROM carillon.scheduled_messages"
      ]
      for (const sql of attempts) {
        const exit = yield* Effect.exit(asReader(`SET default_transaction_read_only TO off; ${sql}`))
        assert.isTrue(Exit.isFailure(exit), sql)
      }
      assert.deepStrictEqual(yield* rows, before)
    })
  )
})

describe("the role of the ledger", () => {
  it.live("can do its work and a rebuild, and nothing beyond its database", () =>
    Effect.gen(function* () {
      const { admin, again, postgres, rows } = yield* roles
      const before = yield* rows
      yield* again
      assert.deepStrictEqual(yield* rows, before)
      const [role] = yield* admin.query(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = 'carillon_ledger'"
      )
      assert.deepStrictEqual(Object.values(role ?? {}), [false, false, false, false])
      yield* admin.query("CREATE TABLE public.patients (name text)")
      const error = yield* Effect.flip(postgres.query("SELECT * FROM public.patients"))
      assert.strictEqual(error._tag, "UnusablePostgres")
    })
  )
})

describe("a ledger that makes no tables", () => {
  it.live("waits for those of its version, says so, and works with rows only", () =>
    Effect.gen(function* () {
      const admin = yield* withRoles
      const all = yield* worldOf(yield* testNats, { url: as(admin.url, "carillon_writer") }, { TABLES_MANAGE: "none" })
      yield* all.append(livesOf("m", 34))
      const said = yield* Queue.unbounded<string>()
      const listening = Logger.layer([Logger.make(({ message }) => Queue.offerUnsafe(said, String(message)))])
      yield* Effect.provide(all.ledger, listening)
      let line = ""
      while (!line.startsWith("Waiting")) line = yield* Queue.take(said)
      assert.match(line, /of version 0, .* `carillon ledger migrate` to bring them to \d+/)
      const own = cli({ DATABASE_URL: as(admin.url, "carillon_writer") })
      assert.include((yield* own(["ledger", "migrate"])).err, "permission denied for database")
      const owner = cli({ DATABASE_URL: as(admin.url, "carillon_ledger") })
      assert.match((yield* owner(["ledger", "migrate"])).out, /of version (\d+); \1 migrations applied/)
      assert.include((yield* owner(["ledger", "migrate", "--json"])).out, '"applied":0')
      yield* all.projected
      const { attempts, contents, messages } = yield* all.rows
      assert.deepStrictEqual({ attempts, contents, messages }, expected(yield* all.recorded))
      for (const sql of [
        "CREATE TABLE carillon.mine (n int)",
        "CREATE SCHEMA mine",
        "DROP TABLE carillon.message_events"
      ])
        assert.strictEqual((yield* Effect.flip(all.postgres.query(sql)))._tag, "UnusablePostgres", sql)
    })
  )
})
