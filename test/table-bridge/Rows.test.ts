// What the triggers note and what the bridge makes of it, on a real Postgres: every way in which a row changes, and
// that the application never suffers from it.
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Result } from "effect"
import pg from "pg"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { parseBridge } from "../../services/table-bridge/BridgeConfig.ts"
import { lockByMessage, saveRows } from "../../services/table-bridge/database/Tracked.ts"
import { migrate, undo } from "../../services/table-bridge/Migration.ts"
import { open } from "../../services/table-bridge/Open.ts"
import { apply } from "../../services/table-bridge/outcomes/Outcome.ts"
import { writeBack } from "../../services/table-bridge/outcomes/WriteBack.ts"
import { backfill } from "../../services/table-bridge/rows/Backfill.ts"
import { lookAtChanges, lookAtDue } from "../../services/table-bridge/rows/Look.ts"
import { sweep } from "../../services/table-bridge/rows/Sweep.ts"
import { eventually } from "../support/Carillon.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { bridgeOf, bridgeWorld, configuration, inHours, servicesOf, tables } from "./World.ts"

const world = Effect.fnUntraced(function* (more: object = {}) {
  const made = yield* bridgeWorld(more)
  const opened = yield* made.openBridge
  const { inside, patient } = made
  const look = Effect.repeat(inside(lookAtChanges(opened)), { until: (more) => !more })
  const write = Effect.repeat(inside(writeBack(opened)), { until: (more) => !more })
  yield* look
  const insert = (
    columns: { body?: string | null; send_at?: string; patient?: string | null; cancelled?: boolean } = {}
  ) =>
    Effect.map(
      made.one(
        "INSERT INTO scheduled_messages (patient_id, body, send_at, cancelled) VALUES ($1, $2, $3, $4) RETURNING id::text",
        [
          columns.patient === undefined ? patient : columns.patient,
          columns.body === undefined ? "Hello" : columns.body,
          columns.send_at ?? inHours(1),
          columns.cancelled ?? false
        ]
      ),
      ({ id }) => String(id)
    )
  /** As if the event log had said so. */
  const hear = (event: Event) =>
    inside(
      made.openBridge.pipe(
        Effect.andThen(
          Effect.flatMap(
            Effect.promise(() => import("#shared/postgres/Postgres.ts")),
            ({ Postgres }) =>
              Effect.flatMap(Postgres, ({ transaction }) =>
                transaction((query) =>
                  Effect.flatMap(lockByMessage(query, "reminders", ["id" in event ? String(event.id) : ""]), (rows) =>
                    saveRows(
                      query,
                      "reminders",
                      rows.map((row) => apply(row, event).tracked)
                    )
                  )
                )
              )
          )
        )
      )
    )
  const names = Effect.map(made.outbox, (rows) => rows.map(({ name }) => name))
  return { ...made, open: opened, look, write, insert, hear, names }
})

const sentEvent = (id: string): Event => ({
  type: "sent",
  at: fromMillis(Date.now()),
  id,
  platform: "telegram",
  attempt: 1,
  sender: "default",
  dueAt: fromMillis(Date.now()),
  sentAt: fromMillis(Date.now()),
  providerMessageId: "1",
  possibleDuplicate: false
})

const snapshot = (database: { query: (sql: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>> }) =>
  Effect.all([
    database.query(
      `SELECT table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns
       WHERE table_schema = 'public' ORDER BY 1, 2`
    ),
    database.query(
      `SELECT tgrelid::regclass::text AS on, tgname FROM pg_trigger WHERE NOT tgisinternal
       AND tgrelid::regclass::text !~ '^carillon' ORDER BY 1, 2`
    ),
    database.query(
      "SELECT indexrelid::regclass::text AS index FROM pg_index WHERE indrelid::regclass::text !~ '^(pg_|carillon)' ORDER BY 1"
    ),
    database.query("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1")
  ])

describe("a row of the application", () => {
  it.live("is one schedule command when it is due in the future, and none when it is not", () =>
    Effect.gen(function* () {
      const { insert, look, outbox, row, write } = yield* world()
      const future = yield* insert()
      const past = yield* insert({ send_at: inHours(-1) })
      const cancelled = yield* insert({ cancelled: true })
      yield* look
      yield* look
      const [command, ...more] = yield* outbox
      assert.lengthOf(more, 0)
      assert.deepInclude(command?.payload, {
        id: `reminders-${future}`,
        platform: "telegram",
        recipient: { chatId: "4711" },
        content: { type: "text", text: "Hello" }
      })
      yield* write
      assert.strictEqual((yield* row(future)).carillon_status, "pending")
      assert.strictEqual((yield* row(past)).carillon_status, "past")
      assert.strictEqual((yield* row(cancelled)).carillon_status, "inactive")
    })
  )

  it.live("that was written in time and is looked at late is scheduled all the same", () =>
    Effect.gen(function* () {
      const { database, insert, look, outbox } = yield* world()
      yield* insert({ send_at: new Date(Date.now() - 600_000).toISOString() })
      // As when no bridge ran for ten minutes.
      yield* database.query("UPDATE carillon_bridge.changes SET at = now() - interval '11 minutes'")
      yield* look
      assert.lengthOf(yield* outbox, 1)
    })
  )

  it.live("follows every kind of statement: many rows, upsert, id changed, cascade, truncate", () =>
    Effect.gen(function* () {
      const { database, insert, look, names, one, outbox } = yield* world()
      const clear = database.query("DELETE FROM carillon_outbox.commands")
      const accept = database.query("UPDATE carillon_bridge.tracked SET accepted = true")
      yield* database.query(
        "INSERT INTO scheduled_messages (patient_id, body, send_at) SELECT id, 'x', now() + interval '1 day' FROM patients, generate_series(1, 50)"
      )
      yield* look
      assert.lengthOf(yield* outbox, 50)
      yield* Effect.all([accept, clear])
      yield* database.query("UPDATE scheduled_messages SET send_at = send_at + interval '1 hour' WHERE id <= 10")
      yield* database.query("UPDATE scheduled_messages SET note = 'x', carillon_status = 'x'")
      yield* look
      assert.deepStrictEqual(
        yield* names,
        Array.from({ length: 10 }, () => "reschedule")
      )
      yield* clear
      const { id } = yield* one("SELECT max(id) AS id FROM scheduled_messages")
      yield* database.query(
        `INSERT INTO scheduled_messages (id, body, send_at) VALUES ($1, 'y', now()) ON CONFLICT (id) DO UPDATE SET body = 'other'`,
        [id]
      )
      yield* look
      assert.deepStrictEqual(yield* names, ["reschedule"])
      yield* clear
      yield* database.query("UPDATE scheduled_messages SET id = 9000 WHERE id = $1", [id])
      yield* look
      assert.deepStrictEqual([...(yield* names)].sort(), ["cancel", "schedule"])
      yield* clear
      yield* database.query("DELETE FROM scheduled_messages WHERE id = 9000")
      yield* look
      assert.deepStrictEqual(yield* names, ["cancel"])
      yield* clear
      yield* database.query("DELETE FROM patients")
      yield* look
      assert.strictEqual((yield* names).filter((name) => name === "cancel").length, 49)
      yield* Effect.all([clear, accept])
      const again = yield* database.query("INSERT INTO patients (telegram_chat_id) VALUES (5) RETURNING id")
      yield* insert({ patient: String(again[0]?.id) })
      yield* look
      yield* clear
      yield* database.query("TRUNCATE scheduled_messages")
      yield* look
      assert.deepStrictEqual(yield* names, ["cancel"])
    })
  )

  it.live("says why it cannot be sent, without repeating what is in it, and is sent when that is mended", () =>
    Effect.gen(function* () {
      const { database, insert, look, names, one, row, write } = yield* world()
      const { id: without } = yield* one("INSERT INTO patients (name) VALUES ('Mrs Example') RETURNING id")
      const noContact = yield* insert({ patient: String(without) })
      const nobody = yield* insert({ patient: null })
      const blank = yield* insert({ body: "   " })
      const long = yield* insert({ body: "secret ".repeat(5_000) })
      const never = yield* insert({ send_at: "infinity" })
      const metadata = yield* insert()
      yield* database.query(`UPDATE scheduled_messages SET carillon_metadata = '["secret"]' WHERE id = $1`, [metadata])
      const priority = yield* insert()
      yield* database.query("UPDATE scheduled_messages SET carillon_priority = 'secret' WHERE id = $1", [priority])
      yield* look
      yield* write
      assert.deepStrictEqual(yield* names, [])
      for (const [id, status, problem] of [
        [noContact, "no-contact", "the patient has no chatId or contact"],
        [nobody, "no-contact", "the patient has no chatId or contact"],
        [blank, "invalid", "content.text must not be blank"],
        [long, "invalid", "content.text"],
        [never, "invalid", "dueAt"],
        [metadata, "invalid", "metadata"],
        [priority, "invalid", "priority must be urgent, normal, or bulk"]
      ] as const) {
        const { carillon_status, carillon_error } = yield* row(id)
        assert.strictEqual(carillon_status, status)
        assert.include(String(carillon_error), problem)
        assert.notInclude(String(carillon_error), "secret")
      }
      yield* database.query("UPDATE patients SET telegram_chat_id = 99 WHERE id = $1", [without])
      yield* database.query("UPDATE scheduled_messages SET body = 'better' WHERE id = $1", [blank])
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule", "schedule"])
    })
  )

  it.live("that was sent is not sent again, however it is edited; another row with its id is", () =>
    Effect.gen(function* () {
      const { database, hear, insert, look, names, outbox, row, write } = yield* world()
      const id = yield* insert()
      yield* look
      yield* hear(sentEvent(`reminders-${id}`))
      yield* database.query("UPDATE scheduled_messages SET body = 'changed', send_at = $1 WHERE id = $2", [
        inHours(9),
        id
      ])
      yield* database.query("UPDATE patients SET telegram_chat_id = 99")
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule"])
      yield* write
      assert.strictEqual((yield* row(id)).carillon_status, "sent")
      yield* database.query("DELETE FROM scheduled_messages WHERE id = $1", [id])
      yield* database.query(
        "INSERT INTO scheduled_messages (id, patient_id, body, send_at) SELECT $1, id, 'new', $2 FROM patients",
        [id, inHours(2)]
      )
      yield* look
      assert.strictEqual((yield* outbox).at(-1)?.payload.id, `reminders-${id}__2`)
    })
  )

  it.live("is not held up or failed by the bridge, whatever is broken there", () =>
    Effect.gen(function* () {
      const { database, insert, inside, look, names, one, open: opened } = yield* world()
      yield* database.query("ALTER TABLE carillon_bridge.changes RENAME TO away")
      const id = yield* insert()
      yield* database.query("UPDATE scheduled_messages SET body = 'x' WHERE id = $1", [id])
      yield* database.query("UPDATE patients SET telegram_chat_id = 5")
      yield* database.query("ALTER TABLE carillon_bridge.away RENAME TO changes")
      assert.deepInclude(yield* one("SELECT body FROM scheduled_messages WHERE id = $1", [id]), { body: "x" })
      yield* look
      assert.deepStrictEqual(yield* names, [])
      // What was not noted then is found when all rows are looked over.
      yield* inside(sweep(opened))
      assert.deepStrictEqual(yield* names, [])
      yield* database.query("UPDATE carillon_bridge.bridges SET swept_at = now() - interval '25 hours'")
      yield* inside(sweep(opened))
      assert.deepStrictEqual(yield* names, ["schedule"])
      yield* database.query("ALTER TABLE carillon_bridge.changes RENAME TO away")
      yield* database.query("DELETE FROM scheduled_messages")
      yield* database.query("ALTER TABLE carillon_bridge.away RENAME TO changes")
      yield* database.query("UPDATE carillon_bridge.bridges SET swept_at = now() - interval '25 hours'")
      yield* inside(sweep(opened))
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule", "cancel"])
    })
  )

  it.live("is noted for a role of the application that has no rights on the bridge", () =>
    Effect.gen(function* () {
      const { database, look, names } = yield* world()
      const role = `app_${database.url.split("_").at(-1)?.slice(0, 12)}`
      yield* database.query(`CREATE ROLE ${role}; GRANT ALL ON scheduled_messages, patients TO ${role}`)
      yield* Effect.addFinalizer(() => database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
      yield* database.query(
        `BEGIN; SET LOCAL ROLE ${role}; INSERT INTO scheduled_messages (patient_id, body, send_at)
         SELECT id, 'x', now() + interval '1 hour' FROM patients; COMMIT`
      )
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule"])
    })
  )
})

describe("contact data taken when a row is due", () => {
  it.live("is that of the moment: the row is handed over shortly before, with the address that stands then", () =>
    Effect.gen(function* () {
      const { database, inside, insert, look, open, outbox, row, write } = yield* world({
        contact: "due",
        horizonSeconds: 60
      })
      const id = yield* insert({ send_at: new Date(Date.now() + 600_000).toISOString() })
      yield* look
      yield* inside(lookAtDue(open))
      assert.lengthOf(yield* outbox, 0)
      yield* write
      assert.strictEqual((yield* row(id)).carillon_status, "waiting")
      yield* database.query("UPDATE patients SET telegram_chat_id = 815")
      yield* look
      yield* database.query("UPDATE scheduled_messages SET send_at = now() + interval '30 seconds' WHERE id = $1", [id])
      yield* look
      yield* inside(lookAtDue(open))
      const [command, ...more] = yield* outbox
      assert.lengthOf(more, 0)
      assert.deepInclude(command?.payload, { recipient: { chatId: "815" } })
    })
  )

  it.live("comes late, not never, when no bridge ran at the time", () =>
    Effect.gen(function* () {
      const { database, inside, insert, look, open, outbox, tracked } = yield* world({
        contact: "due",
        horizonSeconds: 60
      })
      const id = yield* insert({ send_at: new Date(Date.now() + 120_000).toISOString() })
      yield* look
      assert.instanceOf((yield* tracked(id)).look_at, Date)
      // As if three minutes had passed since then.
      yield* database.query(
        `ALTER TABLE scheduled_messages DISABLE TRIGGER USER; UPDATE scheduled_messages SET send_at = send_at - interval '3 minutes';
         ALTER TABLE scheduled_messages ENABLE TRIGGER USER;
         UPDATE carillon_bridge.tracked SET look_at = look_at - interval '3 minutes', changed_at = changed_at - interval '3 minutes'`
      )
      yield* inside(lookAtDue(open))
      yield* inside(lookAtDue(open))
      assert.lengthOf(yield* outbox, 1)
    })
  )
})

describe("local times", () => {
  it.live("are taken in the zone of the row, else of the patient, else of the configuration", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const database = yield* testDatabase
      yield* database.query(tables)
      yield* database.query(`ALTER TABLE scheduled_messages ALTER send_at TYPE timestamp, ADD COLUMN zone text`)
      const services = yield* servicesOf(nats, database)
      const inside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, services)
      const bridge = bridgeOf({
        messages: { ...configuration.messages, timeZone: "zone" },
        patients: { ...configuration.patients, timeZone: "time_zone" },
        defaults: { timeZone: "Asia/Kathmandu" }
      })
      yield* inside(migrate(bridge))
      yield* database.query(
        `INSERT INTO patients (id, telegram_chat_id, time_zone) VALUES
           ('00000000-0000-0000-0000-000000000001', 1, 'America/New_York'), ('00000000-0000-0000-0000-000000000002', 2, NULL);
         INSERT INTO scheduled_messages (id, patient_id, body, send_at, zone) VALUES
           (1, '00000000-0000-0000-0000-000000000001', 'x', '2030-03-31 02:30', 'Europe/Berlin'),
           (2, '00000000-0000-0000-0000-000000000001', 'x', '2030-06-01 09:00', NULL),
           (3, '00000000-0000-0000-0000-000000000002', 'x', '2030-06-01 09:00', NULL),
           (4, '00000000-0000-0000-0000-000000000002', 'x', '2030-06-01 09:00', 'Nowhere/Atlantis')`
      )
      const opened = yield* inside(open(bridge))
      yield* inside(lookAtChanges(opened))
      const rows = yield* database.query(
        `SELECT message_id AS id, payload ->> 'dueAt' AS due FROM carillon_outbox.commands ORDER BY id`
      )
      assert.deepStrictEqual(rows as unknown, [
        { id: "reminders-1", due: "2030-03-31T01:00:00.000Z" },
        { id: "reminders-2", due: "2030-06-01T13:00:00.000Z" },
        { id: "reminders-3", due: "2030-06-01T03:15:00.000Z" }
      ])
      yield* inside(writeBack(opened))
      const [wrong] = yield* database.query("SELECT carillon_error FROM scheduled_messages WHERE id = 4")
      assert.include(String(wrong?.carillon_error), "timeZone must be an IANA time zone")
      yield* database.query("UPDATE patients SET time_zone = 'Europe/Berlin' WHERE telegram_chat_id = 1")
      yield* database.query("DELETE FROM carillon_outbox.commands")
      yield* inside(lookAtChanges(opened))
      const moved = yield* database.query("SELECT name, payload ->> 'dueAt' AS due FROM carillon_outbox.commands")
      assert.deepStrictEqual(moved as unknown, [{ name: "reschedule", due: "2030-06-01T07:00:00.000Z" }])
    })
  )
})

describe("writing back", () => {
  it.live("leaves a row that the application holds for later, and never waits for it", () =>
    Effect.gen(function* () {
      const { database, insert, look, row, write } = yield* world()
      const held = yield* insert()
      const free = yield* insert()
      yield* look
      const app = new pg.Client({ connectionString: database.url })
      yield* Effect.acquireRelease(
        Effect.promise(() => app.connect()),
        () => Effect.promise(() => app.end())
      )
      yield* Effect.promise(() => app.query("BEGIN"))
      yield* Effect.promise(() => app.query("UPDATE scheduled_messages SET note = 'x' WHERE id = $1", [held]))
      yield* write
      assert.strictEqual((yield* row(free)).carillon_status, "pending")
      assert.isNull((yield* row(held)).carillon_status)
      yield* Effect.promise(() => app.query("COMMIT"))
      yield* write
      assert.strictEqual((yield* row(held)).carillon_status, "pending")
    })
  )

  it.live("has Postgres log nothing of a row whose outcome a constraint refuses", () =>
    Effect.gen(function* () {
      const { bridge, database, insert, look, nats, row } = yield* world()
      yield* database.query(
        `ALTER TABLE scheduled_messages ADD CONSTRAINT none CHECK (carillon_status IS NULL);
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_min_messages = error', current_database());
           EXECUTE format('ALTER DATABASE %I SET log_error_verbosity = verbose', current_database()); END $$`
      )
      const secret = randomUUID()
      const id = yield* insert({ body: secret })
      yield* look
      // A connection of its own, on which the log is as it usually is.
      const usual = yield* servicesOf(nats, database)
      yield* Effect.provideContext(Effect.flatMap(open(bridge), writeBack), usual)
      assert.isNull((yield* row(id)).carillon_status)
      const [found] = yield* database.query("SELECT current_setting('data_directory') || '.log' AS file")
      const lines = Effect.sync(() =>
        readFileSync(String(found?.file), "utf8")
          .split("\n")
          .filter((line) => line.includes(secret))
      )
      assert.lengthOf(yield* lines, 0)
      // It would stand there.
      const app = new pg.Client({ connectionString: database.url })
      yield* Effect.promise(() => app.connect())
      yield* Effect.promise(() =>
        app.query("UPDATE scheduled_messages SET carillon_status = 'x' WHERE id = $1", [id]).catch(() => app.end())
      )
      yield* eventually("logged", lines, ({ length }) => length > 0)
    })
  )

  for (const code of ["P0001", "P0002", "42883", "42501", "55000", "PT400"])
    it.live(`goes on with the others when a trigger of the application refuses a row with ${code}`, () =>
      Effect.gen(function* () {
        const { database, insert, look, one, row, write } = yield* world()
        const refused = yield* insert()
        const other = yield* insert()
        yield* database.query(
          `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.id = ${refused} AND NEW.carillon_status IS NOT NULL THEN
               RAISE EXCEPTION 'no' USING ERRCODE = '${code}'; END IF; RETURN NEW; END $$;
           CREATE TRIGGER no BEFORE UPDATE ON scheduled_messages FOR EACH ROW EXECUTE FUNCTION no()`
        )
        yield* look
        yield* write
        assert.strictEqual((yield* row(other)).carillon_status, "pending")
        assert.isNull((yield* row(refused)).carillon_status)
        assert.deepInclude(
          yield* one("SELECT count(*)::int AS n FROM carillon_bridge.tracked WHERE dirty_since IS NOT NULL"),
          { n: 0 }
        )
      })
    )

  it.live("is no change to look at", () =>
    Effect.gen(function* () {
      const { database, insert, look, write } = yield* world()
      yield* insert()
      yield* look
      yield* write
      assert.deepStrictEqual(yield* database.query("SELECT * FROM carillon_bridge.changes"), [])
    })
  )
})

describe("a backfill", () => {
  it.live("misses no address that changes while it takes a batch in", () =>
    Effect.gen(function* () {
      const { database, inside, insert, look, names, one, open: opened } = yield* world()
      yield* database.query("ALTER TABLE scheduled_messages DISABLE TRIGGER USER")
      yield* insert()
      const waiting = Effect.map(one("SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted"), ({ n }) => Number(n))
      const holder = new pg.Client({ connectionString: database.url })
      yield* Effect.acquireRelease(
        Effect.promise(() => holder.connect()),
        () => Effect.promise(() => holder.end())
      )
      // The batch has read the address, and does not get on.
      yield* Effect.promise(() => holder.query("BEGIN; LOCK TABLE carillon_outbox.commands IN EXCLUSIVE MODE"))
      const taking = yield* Effect.forkChild(inside(backfill(opened, { onProgress: () => Effect.void })))
      yield* eventually("the batch waits", waiting, (n) => n === 1)
      yield* database.query("UPDATE patients SET telegram_chat_id = 815")
      const looking = yield* Effect.forkChild(look)
      const changes = Effect.map(one("SELECT count(*)::int AS n FROM carillon_bridge.changes"), ({ n }) => Number(n))
      yield* eventually("the look waits", Effect.all([waiting, changes]), ([n, left]) => n === 2 || left === 0)
      yield* Effect.promise(() => holder.query("ROLLBACK"))
      yield* Effect.all([Fiber.join(taking), Fiber.join(looking)])
      assert.deepStrictEqual(yield* names, ["schedule", "cancel"])
    })
  )
})

describe("two bridges", () => {
  it.live("take turns at a row: while one looks, the other has nothing to do", () =>
    Effect.gen(function* () {
      const { database, inside, insert, look, names, open: opened } = yield* world()
      yield* insert()
      const looking = yield* Deferred.make<void>()
      const locked = new pg.Client({ connectionString: database.url })
      yield* Effect.acquireRelease(
        Effect.promise(() => locked.connect()),
        () => Effect.promise(() => locked.end())
      )
      // Another bridge is in the middle of its look.
      yield* Effect.promise(() => locked.query("BEGIN"))
      yield* Effect.promise(() =>
        locked.query("SELECT pg_advisory_xact_lock(hashtext('carillon.bridge'), hashtext('reminders'))")
      )
      yield* Deferred.succeed(looking, undefined)
      const other = yield* Effect.forkChild(inside(lookAtChanges(opened)))
      assert.isFalse(yield* Fiber.join(other))
      assert.deepStrictEqual(yield* names, [])
      yield* Effect.promise(() => locked.query("ROLLBACK"))
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule"])
    })
  )
})

describe("the migration", () => {
  it.live("says what it would do, may be run again, and leaves no trace when it is undone", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const database = yield* testDatabase
      yield* database.query(tables)
      const services = yield* servicesOf(nats, database)
      const inside = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, services)
      const bridge = bridgeOf()
      const before = yield* snapshot(database)
      const planned = yield* inside(migrate(bridge, { dryRun: true }))
      assert.include(planned.statements.join("\n"), "ADD COLUMN")
      assert.deepStrictEqual(yield* snapshot(database), before)
      assert.deepStrictEqual(yield* database.query("SELECT to_regclass('carillon_outbox.commands') AS none"), [
        { none: null }
      ])
      yield* inside(migrate(bridge))
      assert.notDeepEqual(yield* snapshot(database), before)
      yield* inside(migrate(bridge))
      yield* database.query("INSERT INTO patients (telegram_chat_id) VALUES (1)")
      yield* database.query(
        "INSERT INTO scheduled_messages (patient_id, body, send_at) SELECT id, 'x', now() + interval '1 h' FROM patients"
      )
      yield* inside(Effect.flatMap(open(bridge), lookAtChanges))
      const refused = yield* Effect.flip(inside(undo(bridge, {})))
      assert.include((refused as Error).message, "1 messages wait")
      yield* inside(undo(bridge, { waiting: "cancel" }))
      assert.deepStrictEqual(yield* snapshot(database), before)
      const commands = yield* database.query("SELECT name FROM carillon_outbox.commands ORDER BY id")
      assert.deepStrictEqual(commands as unknown, [{ name: "schedule" }, { name: "cancel" }])
      // Later it is bridged again: the row's next message has another id than the one that was cancelled.
      yield* inside(migrate(bridge))
      yield* database.query("UPDATE carillon_bridge.tracked SET state = 'idle', identity = NULL, wish = NULL")
      yield* inside(Effect.flatMap(open(bridge), lookAtChanges))
      const [last] = yield* database.query("SELECT message_id FROM carillon_outbox.commands ORDER BY id DESC LIMIT 1")
      assert.strictEqual(last?.message_id, "reminders-1__2")
      yield* inside(undo(bridge, { waiting: "keep", purge: true }))
      assert.deepStrictEqual(yield* snapshot(database), before)
      assert.deepStrictEqual(yield* database.query("SELECT to_regnamespace('carillon_bridge') AS none"), [
        { none: null }
      ])
    })
  )

  it.live("leaves bridges that still run nothing to do when it is undone, and the cancelled rows cancelled", () =>
    Effect.gen(function* () {
      const { bridge, database, insert, inside, look, names, open: opened, write } = yield* world()
      yield* insert()
      yield* look
      // As if the application had these columns before, so that they stay.
      yield* database.query("UPDATE carillon_bridge.bridges SET added = '[]'")
      yield* inside(undo(bridge, { waiting: "cancel" }))
      yield* write
      // As if the log had said that it is cancelled, and the row was to be looked at again.
      yield* database.query(
        `UPDATE carillon_bridge.tracked SET state = 'idle', identity = NULL, wish = NULL, look_at = now();
         INSERT INTO carillon_bridge.changes (bridge, row_id) SELECT bridge, row_id FROM carillon_bridge.tracked`
      )
      yield* inside(lookAtDue(opened))
      yield* look
      assert.deepStrictEqual(yield* names, ["schedule", "cancel"])
    })
  )

  for (const columns of ["stay", "go"])
    it.live(`ends a backfill that is under way when it is undone, if its columns ${columns}`, () =>
      Effect.gen(function* () {
        const { bridge, database, insert, inside, look, names, open: opened } = yield* world()
        for (let rows = 0; rows < 3; rows++) yield* insert()
        yield* look
        if (columns === "stay") yield* database.query("UPDATE carillon_bridge.bridges SET added = '[]'")
        const undone = Effect.gen(function* () {
          yield* inside(undo(bridge, { waiting: "cancel" }))
          // As if the log had said that they are cancelled.
          yield* database.query("UPDATE carillon_bridge.tracked SET state = 'idle', identity = NULL, wish = NULL")
          yield* database.query("DELETE FROM scheduled_messages WHERE id = 1")
        }).pipe(Effect.orDie)
        let begun = false
        const onProgress = () =>
          begun
            ? Effect.void
            : Effect.andThen(
                Effect.sync(() => (begun = true)),
                undone
              )
        yield* inside(backfill(opened, { apart: true, batchSize: 1, onProgress }))
        assert.deepStrictEqual(
          yield* names,
          ["schedule", "cancel"].flatMap((name) => [name, name, name])
        )
        assert.deepStrictEqual(yield* database.query("SELECT * FROM carillon_bridge.changes"), [])
      })
    )

  it.live("has a bridge that is started afterwards publish what waits, so that what was cancelled is", () =>
    Effect.gen(function* () {
      const { bridge, insert, inside, look, names, service } = yield* world()
      yield* insert()
      yield* look
      yield* inside(undo(bridge, { waiting: "cancel" }))
      assert.deepStrictEqual(yield* names, ["schedule", "cancel"])
      const started = yield* service
      yield* started.start
      yield* eventually("published", names, (left) => left.length === 0)
      assert.include(started.output(), "was undone")
    })
  )

  it.live("is refused a name with which its messages could have the ids of another bridge's", () =>
    Effect.gen(function* () {
      const { bridge, inside } = yield* world()
      const trial = (name: string) => Effect.result(inside(migrate({ ...bridge, name }, { dryRun: true })))
      for (const name of ["reminders-b", "reminders-b-c"]) {
        const refused = Result.getFailure(yield* trial(name))
        assert.include(String(Option.getOrThrow(refused).message), "reminders")
      }
      for (const name of ["reminders", "remindersb", "remind"]) assert.isTrue(Result.isSuccess(yield* trial(name)))
      yield* inside(migrate({ ...bridge, name: "other-b" }))
      assert.isTrue(Result.isFailure(yield* trial("other")))
    })
  )

  it.live("makes up for what changed while it was undone", () =>
    Effect.gen(function* () {
      const { bridge, database, insert, inside, look, names } = yield* world()
      const moved = yield* insert()
      const deleted = yield* insert()
      yield* look
      yield* inside(undo(bridge, { waiting: "keep" }))
      yield* database.query("UPDATE scheduled_messages SET body = 'moved' WHERE id = $1", [moved])
      yield* database.query("DELETE FROM scheduled_messages WHERE id = $1", [deleted])
      yield* inside(migrate(bridge))
      yield* look
      assert.deepStrictEqual([...(yield* names)].sort(), ["cancel", "reschedule", "schedule", "schedule"])
    })
  )

  it.live("is refused sight of rows that a policy hides, which would look deleted", () =>
    Effect.gen(function* () {
      const { bridge, database, nats } = yield* world()
      const role = `hidden_${database.url.split("_").at(-1)?.slice(0, 12)}`
      yield* database.query(
        `ALTER TABLE scheduled_messages ENABLE ROW LEVEL SECURITY; CREATE ROLE ${role} LOGIN PASSWORD 'x';
         GRANT USAGE ON SCHEMA carillon_outbox, carillon_bridge TO ${role};
         GRANT ALL ON ALL TABLES IN SCHEMA carillon_outbox, carillon_bridge, public TO ${role}`
      )
      yield* Effect.addFinalizer(() => database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
      const url = database.url.replace(/\/\/[^@]*@/, `//${role}:x@`)
      const services = yield* servicesOf(nats, { url })
      const error = yield* Effect.flip(Effect.provideContext(open(bridge), services))
      assert.include((error as Error).message, "Row-level security hides rows")
    })
  )
})

describe("a configuration", () => {
  const problem = (more: object) =>
    Result.match(parseBridge(JSON.stringify({ ...configuration, ...more })), {
      onSuccess: () => "",
      onFailure: (error) => error.message
    })
  it("is refused when what the bridge writes would tell it to cancel", () => {
    assert.include(
      problem({
        messages: { ...configuration.messages, when: { column: "status", in: ["pending"] } },
        tracking: { status: "status" }
      }),
      "column status is both read and written back"
    )
  })
  it("is refused when it has a key that means nothing", () => {
    assert.include(problem({ horizon: 5 }), "horizon")
  })
  it.live("that does not fit the tables is told with everything that is wrong", () =>
    Effect.gen(function* () {
      const { database, nats } = yield* world()
      const services = yield* servicesOf(nats, database)
      const bridge = bridgeOf({
        messages: { ...configuration.messages, text: "no_such", due: "note" },
        patients: { ...configuration.patients, addresses: { chatId: "nor_this" } }
      })
      const error = yield* Effect.flip(Effect.provideContext(open(bridge), services))
      for (const part of ["no column no_such", "note is of type text", "no column nor_this"])
        assert.include((error as Error).message, part)
    })
  )
})
