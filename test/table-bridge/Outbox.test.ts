// The SQL file of the outbox on a real Postgres: what it accepts, what it refuses, who may use it, and how it goes away.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import fc from "fast-check"
import pg from "pg"
import { CancelCommand, RescheduleCommand, ScheduleCommand } from "#shared/contract/Commands.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { fromMillis, parseInstant } from "#shared/contract/fields/Instants.ts"
import { decodeCommand } from "#shared/contract/Submission.ts"
import { migrate as migrateLedger } from "../../services/ledger/Migrations.ts"
import { eventually } from "../support/Carillon.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { inHours, outboxDropSql, outboxSql, outboxWorld, servicesOf } from "./World.ts"

const withOutbox = Effect.tap(testDatabase, (database) => database.query(outboxSql))

/** One connection, as an application has it. */
const client = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  )

const refusal = (client: pg.Client, sql: string, values: ReadonlyArray<unknown> = []) =>
  Effect.promise(() =>
    client.query(sql, [...values]).then(
      () => "accepted",
      (error: Error) => error.message
    )
  )

describe("the outbox", () => {
  it.live("holds a command if the transaction commits, and not if it rolls back", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const app = yield* client(database.url)
      const schedule = (id: string) =>
        app.query("SELECT carillon.schedule_message($1, '4711', 'Hello', $2)", [id, inHours(1)])
      yield* Effect.promise(async () => {
        await app.query("BEGIN")
        await schedule("kept")
        await app.query("COMMIT")
        await app.query("BEGIN")
        await schedule("undone")
        await app.query("ROLLBACK")
      })
      const found = yield* database.query("SELECT message_id FROM carillon_outbox.commands")
      assert.deepStrictEqual(found, [{ message_id: "kept" }])
    })
  )

  it.live("holds what the scheduler takes, with every option", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      yield* database.query(
        `SELECT carillon.schedule_message('a', '{"chatId": "-5"}'::jsonb, '{"type": "text", "text": "<b>x</b>", "format": "html"}'::jsonb, $1,
           '{"sender": "clinic", "kind": "visit", "priority": "urgent", "unknownOutcome": "hold", "metadata": {"ward": "7"},
             "retry": [], "fallback": [{"platform": "webhook", "recipient": {"url": "https://example.org"}}], "expiresAt": "2035-01-01T00:00:00Z"}')`,
        [inHours(1)]
      )
      yield* database.query("SELECT carillon.schedule_message('b', $1, $2, now(), platform => 'webhook')", [
        { url: "https://example.org" },
        { type: "text", text: "x" }
      ])
      yield* database.query(
        `SELECT carillon.reschedule_message('a', $1, '{"reason": "moved", "maxLatenessSeconds": 60}')`,
        [inHours(2)]
      )
      yield* database.query("SELECT carillon.cancel_message('a', 'not needed')")
      const rows = yield* database.query("SELECT name, payload FROM carillon_outbox.commands ORDER BY id")
      assert.deepStrictEqual(
        rows.map(({ name }) => name),
        ["schedule", "schedule", "reschedule", "cancel"]
      )
      for (const { name, payload } of rows) {
        const decoded = decodeCommand(name as "schedule", payload)
        assert.isTrue(Result.isSuccess(decoded), JSON.stringify(decoded))
      }
    })
  )

  const secret = "Mrs Example 4711"
  const call = (arguments_: string) => `SELECT carillon.schedule_message(${arguments_})`
  it.each([
    ["message_id", call(`'${secret}', '1', 'x', now()`)],
    ["recipient.chatId", call(`'a', '${secret}', 'x', now()`)],
    ["content.text", call("'a', '1', '  ', now()")],
    ["content.text", call("'a', '1', repeat('x', 32769), now()")],
    [
      "recipient.contact",
      call('\'a\', \'{"contact": "a b"}\'::jsonb, \'{"type": "text", "text": "x"}\'::jsonb, now()')
    ],
    ["content", call("'a', '{\"chatId\": \"1\"}'::jsonb, '\"x\"'::jsonb, now()")],
    ["recipient", call('\'a\', \'null\'::jsonb, \'{"type": "text", "text": "x"}\'::jsonb, now()')],
    ["platform", call(`'a', '{}'::jsonb, '{"type": "text", "text": "x"}'::jsonb, now(), '{}', '${secret}'`)],
    ["due_at", call("'a', '1', 'x', null")],
    ["due_at", call("'a', '1', 'x', 'infinity'")],
    ["due_at", call("'a', '1', 'x', now() + interval '11 years'")],
    ["options", call(`'a', '1', 'x', now(), '{"${secret}": 1}'`)],
    ["options", call(`'a', '1', 'x', now(), '{"expiresAt": "2030-01-01T00:00:00Z", "maxLatenessSeconds": 1}'`)],
    ["options.priority", call(`'a', '1', 'x', now(), '{"priority": "${secret}"}'`)],
    ["options.maxLatenessSeconds", call(`'a', '1', 'x', now(), '{"maxLatenessSeconds": "1 h"}'`)],
    ["reason", "SELECT carillon.cancel_message('a', '')"]
  ])("fails the caller's transaction over a bad %s, naming no value", (path, sql) =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const app = yield* client(database.url)
      const message = yield* refusal(app, sql)
      assert.include(message, `carillon: ${path} `)
      assert.notInclude(message, secret)
      assert.deepStrictEqual(yield* database.query("SELECT * FROM carillon_outbox.commands"), [])
    }).pipe(Effect.scoped, Effect.runPromise)
  )

  it.live("warns the application, once in a transaction, when no bridge looks at it, and not while one does", () =>
    Effect.gen(function* () {
      const { database, environment } = yield* outboxWorld
      const app = yield* client(database.url)
      const warnings: Array<string> = []
      app.on("notice", ({ message = "" }) => warnings.push(message))
      const schedule = Effect.promise(() =>
        app.query("SELECT carillon.schedule_message('m-' || n, '4711', 'Hello', now()) FROM generate_series(1, 3) n")
      )
      yield* schedule
      assert.lengthOf(warnings, 1)
      assert.match(String(warnings[0]), /^carillon: no table bridge has fetched/)
      const bridge = yield* hostedService("table-bridge", environment)
      yield* bridge.start
      const looked = database.query("SELECT FROM carillon_outbox.looked WHERE at IS NOT NULL")
      yield* eventually("noted", looked, (rows) => rows.length === 1)
      yield* schedule
      assert.lengthOf(warnings, 1)
      yield* bridge.stop
      yield* database.query("UPDATE carillon_outbox.looked SET at = now() - interval '4 minutes'")
      yield* schedule
      assert.lengthOf(warnings, 2)
    })
  )

  it.live("is published though it was made by an older version, which has no place to note that somebody looks", () =>
    Effect.gen(function* () {
      const { database, environment } = yield* outboxWorld
      yield* database.query("SELECT carillon.schedule_message('m', '4711', 'Hello', now())")
      yield* database.query("DROP TABLE carillon_outbox.looked")
      const bridge = yield* hostedService("table-bridge", environment)
      yield* bridge.start
      const published = database.query("SELECT FROM carillon_outbox.published")
      yield* eventually("published", published, (rows) => rows.length === 1)
      assert.strictEqual(yield* bridge.stop, 0)
    })
  )

  it.live("refuses a time without a zone: it would be another hour in each session's zone", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const app = yield* client(database.url)
      const rich = `'{"chatId": "1"}'::jsonb, '{"type": "text", "text": "x"}'::jsonb`
      const asked = (due: string) => [
        `SELECT carillon.schedule_message('a', '1', 'x', ${due})`,
        `SELECT carillon.schedule_message('a', ${rich}, ${due}, '{}', 'telegram')`,
        `SELECT carillon.schedule_message(message_id => 'a', chat_id => '1', body => 'x', due_at => ${due})`,
        `SELECT carillon.reschedule_message('a', ${due})`
      ]
      for (const due of ["timestamp '2030-01-01 09:00'", "date '2030-01-01'", "localtimestamp", "current_date + 1"])
        for (const sql of asked(due)) assert.match(yield* refusal(app, sql), /due_at .* carillon\.at_local_time/)
      for (const due of [
        "'2030-01-01T09:00:00+01:00'",
        "timestamptz '2030-01-01 09:00'",
        "now() + interval '1 day'",
        "carillon.at_local_time('2030-01-01 09:00', 'Europe/Berlin')"
      ])
        for (const sql of asked(due)) assert.strictEqual(yield* refusal(app, sql), "accepted", sql)
      // Neither does a driver that names no types.
      assert.strictEqual(
        yield* refusal(app, "SELECT carillon.schedule_message($1, $2, $3, $4)", ["a", "1", "x", inHours(1)]),
        "accepted"
      )
      const [last] = yield* database.query(
        "SELECT payload ->> 'dueAt' AS due FROM carillon_outbox.commands WHERE payload ->> 'dueAt' LIKE '2030-01-01T08:%' LIMIT 1"
      )
      assert.strictEqual(last?.due, "2030-01-01T08:00:00.000000Z")
    })
  )

  it.live("is brought up to date where an older one stands, for roles that were told what they may", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const app = yield* client(database.url)
      const role = `app_${database.url.split("_").at(-1)?.slice(0, 12)}`
      // What came since is not there, and was not granted.
      yield* database.query(
        `DO $$ DECLARE one regprocedure; BEGIN
           FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = 'carillon'::regnamespace
             AND (proargtypes::oid[] @> ARRAY['date'::regtype::oid] OR proargtypes::oid[] @> ARRAY['timestamp'::regtype::oid])
             AND proname <> 'at_local_time' LOOP EXECUTE 'DROP FUNCTION ' || one; END LOOP; END $$;
         CREATE ROLE ${role}; GRANT USAGE ON SCHEMA carillon TO ${role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA carillon TO ${role}`
      )
      yield* Effect.addFinalizer(() => database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
      yield* database.query(outboxSql)
      yield* Effect.promise(() => app.query(`SET ROLE ${role}`))
      const asked = (due: string) => refusal(app, `SELECT carillon.schedule_message('a', '1', 'x', ${due})`)
      assert.include(yield* asked("localtimestamp"), "carillon.at_local_time")
      assert.strictEqual(yield* asked("now()"), "accepted")
    })
  )

  it.live("knows the platforms and fields of the contract: add new ones to deploy/postgres/outbox.sql", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const [found] = yield* database.query(
        `SELECT carillon_outbox.platform_names() AS platforms, carillon_outbox.option_names('schedule') AS schedule,
           carillon_outbox.option_names('reschedule') AS reschedule`
      )
      const without = (command: { readonly fields: object }, taken: ReadonlyArray<string>) =>
        Object.keys(command.fields).filter((field) => !taken.includes(field))
      const fieldsOf = (command: { readonly schema?: { readonly fields: object }; readonly fields?: object }) => ({
        fields: command.fields ?? command.schema?.fields ?? {}
      })
      assert.sameMembers(found?.platforms as Array<string>, [...platforms])
      assert.sameMembers(
        found?.schedule as Array<string>,
        without(fieldsOf(ScheduleCommand), ["id", "platform", "recipient", "content", "dueAt", "timeZone"])
      )
      assert.sameMembers(
        found?.reschedule as Array<string>,
        without(fieldsOf(RescheduleCommand), ["id", "dueAt", "timeZone"])
      )
      assert.sameMembers(Object.keys(CancelCommand.fields), ["id", "reason"])
    })
  )

  it.live("takes a local time for the instant that Carillon takes it for, around changes of the clock too", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Pacific/Apia"
      ]
      const transitions = zones.flatMap((zone) => {
        const found: Array<{ zone: string; local: string }> = []
        let at: Temporal.ZonedDateTime | null = Temporal.ZonedDateTime.from(`2010-01-01T00:00[${zone}]`)
        for (let count = 0; count < 12 && at; count++) {
          at = at.getTimeZoneTransition("next")
          if (!at) break
          for (const minutes of [-90, -61, -60, -30, -1, 0, 1, 29, 30, 59, 60, 61, 90])
            found.push({ zone, local: at.toPlainDateTime().add({ minutes }).toString({ smallestUnit: "second" }) })
        }
        return found
      })
      const random = fc
        .sample(
          fc.record({
            zone: fc.constantFrom(...zones),
            local: fc.date({ min: new Date("2000-01-01"), max: new Date("2030-01-01"), noInvalidDate: true })
          }),
          500
        )
        .map(({ zone, local }) => ({ zone, local: local.toISOString().slice(0, 19) }))
      const times = [...transitions, ...random]
      const rows = yield* database.query(
        `SELECT carillon.at_local_time(local, zone) AS at
         FROM json_to_recordset($1) AS given(local timestamp, zone text, place int) ORDER BY place`,
        [JSON.stringify(times.map((time, place) => ({ ...time, place })))]
      )
      const ours = times.map(({ local, zone }) => fromMillis(Result.getOrThrow(parseInstant(local, zone))))
      assert.isAbove(times.length, 900)
      const wrong = times.flatMap((time, index) => {
        const theirs = new Date(String(rows[index]?.at)).toISOString()
        return theirs === ours[index] ? [] : [{ ...time, theirs, ours: ours[index] }]
      })
      assert.deepStrictEqual(wrong, [])
    })
  )

  it.live("is used by a role that has no rights on the table, once it is told that it may", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const role = `app_${database.url.split("_").at(-1)?.slice(0, 12)}`
      yield* database.query(`CREATE ROLE ${role}`)
      yield* Effect.addFinalizer(() => database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
      const app = yield* client(database.url)
      yield* Effect.promise(() => app.query(`SET ROLE ${role}`))
      const schedule = refusal(app, "SELECT carillon.schedule_message('a', '1', 'x', now())")
      assert.include(yield* schedule, "permission denied")
      yield* database.query(
        `GRANT USAGE ON SCHEMA carillon TO ${role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA carillon TO ${role};
         GRANT SELECT ON carillon.refusals TO ${role}`
      )
      assert.strictEqual(yield* schedule, "accepted")
      assert.include(yield* refusal(app, "SELECT * FROM carillon_outbox.commands"), "permission denied")
      assert.strictEqual(yield* refusal(app, "SELECT * FROM carillon.refusals"), "accepted")
    })
  )

  it.live("shares a database with the ledger, whoever comes first, may be run again, and goes without a trace", () =>
    Effect.gen(function* () {
      for (const order of ["ledger first", "outbox first"]) {
        const database = yield* testDatabase
        const ledger = Effect.provideContext(migrateLedger("carillon"), yield* servicesOfDatabase(database))
        if (order === "ledger first") yield* ledger
        yield* database.query(outboxSql)
        yield* ledger
        yield* database.query("SELECT carillon.schedule_message('a', '1', 'x', now())")
        yield* database.query(outboxSql)
        assert.lengthOf(yield* database.query("SELECT * FROM carillon_outbox.commands"), 1)
        const app = yield* client(database.url)
        assert.include(yield* refusal(app, outboxDropSql), "commands wait")
        yield* database.query("DELETE FROM carillon_outbox.commands")
        yield* database.query(outboxDropSql)
        const left = yield* database.query(
          `SELECT nspname, (SELECT count(*)::int FROM pg_proc WHERE pronamespace = n.oid
             AND (proname LIKE '%_message' OR proname = 'at_local_time')) AS functions
           FROM pg_namespace n WHERE nspname LIKE 'carillon%'`
        )
        assert.deepStrictEqual(left, [{ nspname: "carillon", functions: 0 }])
        yield* database.query("SELECT * FROM carillon.scheduled_messages")
      }
    })
  )
})

const servicesOfDatabase = (database: { readonly url: string }) =>
  Effect.flatMap(
    Effect.promise(() => import("../support/servers/TestNats.ts")),
    ({ testNats }) => Effect.flatMap(testNats, (nats) => servicesOf(nats, database))
  )

describe("the example in SQL", () => {
  it.live("schedules the message that it is told to, together with what it is about", () =>
    Effect.gen(function* () {
      const database = yield* withOutbox
      const run = (program: string, args: ReadonlyArray<string>) =>
        Effect.promise(() =>
          promisify(execFile)(program, [...args]).then(
            () => true,
            (error: { code?: unknown }) => error.code !== "ENOENT" && Promise.reject(error)
          )
        )
      if (!(yield* run("psql", ["--version"]))) return console.warn("NOT TESTED: examples/sql, for want of psql")
      const example = join(import.meta.dirname, "../../examples/sql/schedule.sql")
      const values = ["id=appt-1", "due=2030-01-01T09:00:00Z", "chat=4711"].flatMap((value) => ["-v", value])
      yield* run("psql", [database.url, "-v", "ON_ERROR_STOP=1", ...values, "-f", example])
      const [found] = yield* database.query(
        "SELECT payload FROM carillon_outbox.commands JOIN appointments ON appointments.id = message_id"
      )
      assert.deepInclude(found?.payload as object, { id: "appt-1", dueAt: "2030-01-01T09:00:00.000000Z" })
    })
  )
})
