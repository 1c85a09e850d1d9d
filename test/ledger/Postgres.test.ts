// The connection to Postgres: what its errors tell, and what its transactions leave behind.
import { chmodSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Deferred, Effect, Fiber, Layer } from "effect"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import { alone } from "../../services/ledger/rebuild/Alone.ts"
import { eventually } from "../support/Carillon.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"

const connect = (url: string) =>
  Layer.build(Layer.fresh(Postgres.layer)).pipe(
    Effect.provide(Readiness.layer),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ DATABASE_URL: url }))
  )

const connected = Effect.gen(function* () {
  const database = yield* testDatabase
  const services = yield* connect(database.url)
  return { database, services, postgres: Context.get(services, Postgres) }
})

const secret = "Mrs-Example-4711"

describe("Postgres", () => {
  it.live("tells of a refused value without the value", () =>
    Effect.gen(function* () {
      const { postgres } = yield* connected
      yield* postgres.query("CREATE TABLE one (name text PRIMARY KEY, CHECK (name <> 'x'))")
      yield* postgres.query("INSERT INTO one VALUES ($1)", [secret])
      for (const [sql, values] of [
        ["SELECT $1::int", [secret]],
        ["INSERT INTO one VALUES ($1)", [secret]],
        [`INSERT INTO one VALUES ('${secret}')`, undefined]
      ] as const) {
        const error = yield* Effect.flip(postgres.query(sql, values))
        assert.strictEqual(error._tag, "RefusedByPostgres")
        assert.notInclude(`${String(error)} ${JSON.stringify(error)} ${error.stack}`, secret)
      }
    })
  )

  it.live("that cannot get at its own files is waited for, and is no matter of rights", () =>
    Effect.gen(function* () {
      const { database, postgres } = yield* connected
      yield* postgres.query("CREATE TABLE one AS SELECT 1 AS n")
      const [at] = yield* postgres.query<{ readonly file: string }>(
        "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('one') AS file"
      )
      const file = at?.file ?? ""
      yield* postgres.query("CHECKPOINT")
      yield* Effect.acquireUseRelease(
        Effect.sync(() => chmodSync(file, 0)),
        () =>
          Effect.gen(function* () {
            // Of a connection of its own: who has the file open already may go on.
            const other = Context.get(yield* connect(database.url), Postgres)
            const error = yield* Effect.flip(other.query("INSERT INTO one SELECT * FROM generate_series(1, 10000)"))
            assert.deepInclude(error, { _tag: "PostgresError", code: "42501" })
          }),
        () => Effect.sync(() => chmodSync(file, 0o600))
      )
    })
  )

  it.live("gives instants as the contract writes them, whatever the time zone of the session", () =>
    Effect.gen(function* () {
      const { postgres } = yield* connected
      for (const zone of ["UTC", "Asia/Kolkata", "America/St_Johns"]) {
        const [row] = yield* postgres.transaction((query) =>
          Effect.andThen(
            query(`SET LOCAL TimeZone TO '${zone}'`),
            query(`SELECT timestamptz '2026-12-01 09:00:00Z' AS whole, timestamptz '2026-12-01 09:00:00.1Z' AS tenth,
              timestamptz '2026-12-01 09:00:00.123987Z' AS micros, timestamptz '0044-03-15 12:00:00Z' AS early`)
          )
        )
        assert.deepStrictEqual(row, {
          whole: "2026-12-01T09:00:00.000Z",
          tenth: "2026-12-01T09:00:00.100Z",
          micros: "2026-12-01T09:00:00.123Z",
          early: "0044-03-15T12:00:00.000Z"
        })
      }
    })
  )

  it.live("says what a person must change, without the password", () =>
    Effect.gen(function* () {
      const { url } = yield* testDatabase
      const wrong = url.replace(/:[^:@]*@/, `:${secret}@`)
      const error = yield* Effect.flip(connect(wrong))
      assert.include(error.message, "DATABASE_URL")
      assert.notInclude(String(error), secret)
    })
  )

  it.live("leaves nothing of a transaction that is interrupted, and nothing waiting", () =>
    Effect.gen(function* () {
      const { database, postgres } = yield* connected
      yield* postgres.query("CREATE TABLE one (n int)")
      const begun = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        postgres.transaction((query) =>
          query("INSERT INTO one VALUES (1)").pipe(
            Effect.andThen(Deferred.succeed(begun, undefined)),
            Effect.andThen(query("SELECT pg_sleep(60)"))
          )
        )
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber).pipe(Effect.timeout("5 seconds"))
      assert.deepStrictEqual(yield* postgres.query("SELECT * FROM one"), [])
      assert.deepStrictEqual(yield* database.query("SELECT * FROM one"), [])
    })
  )

  it.live("ends the transaction of a program that is suspended in the middle, but for one that waits on purpose", () =>
    Effect.gen(function* () {
      const { postgres } = yield* connected
      const allowed = Effect.fnUntraced(function* (query: Query) {
        const [set] = yield* query<{ readonly idle: string }>(
          "SELECT current_setting('idle_in_transaction_session_timeout') AS idle"
        )
        return set?.idle
      })
      assert.strictEqual(yield* postgres.transaction(allowed), "1min")
      assert.strictEqual(yield* allowed(postgres.query), "0")
      let whileAlone: string | undefined
      const watched = Postgres.of({
        ...postgres,
        transaction: (body) =>
          postgres.transaction((query) =>
            Effect.tap(body(query), () => Effect.map(allowed(query), (idle) => (whileAlone = idle)))
          )
      })
      const nothing = () => Effect.void
      yield* Effect.provideService(alone(nothing, nothing), Postgres, watched)
      assert.strictEqual(whileAlone, "0")
    })
  )

  it.live("keeps its pool when its connections are cut", () =>
    Effect.gen(function* () {
      const { database, postgres } = yield* connected
      yield* postgres.query("SELECT 1")
      yield* database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carillon' AND datname = current_database()"
      )
      const alive = Effect.orElseSucceed(postgres.query<{ readonly n: number }>("SELECT 1 AS n"), () => [])
      yield* eventually("an answer", alive, (rows) => rows.length === 1)
    })
  )
})

describe("the migrations", () => {
  it.live("stand once when several ledgers start together, and describe every column that needs it", () =>
    Effect.gen(function* () {
      const { postgres, services } = yield* connected
      const start = Effect.provideContext(migrate("carillon"), services)
      yield* Effect.all([start, start, start], { concurrency: "unbounded" })
      yield* start
      const undescribed = yield* postgres.query(
        `SELECT relname FROM pg_class WHERE relnamespace = 'carillon'::regnamespace AND relkind = 'r'
         AND relname <> 'schema_version' AND obj_description(oid) IS NULL`
      )
      assert.deepStrictEqual(undescribed, [])
    })
  )
})
