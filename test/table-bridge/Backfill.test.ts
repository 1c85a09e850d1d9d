// The backfill through the command line: 20 batches of rows, the command and the bridges killed in between, the application at
// work meanwhile. Every row that is due in the future becomes one message, once.
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"
import { compileCache, nothingRuns } from "../support/CompileCache.ts"
import { eventsOf, streamCount } from "../support/Streams.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { configuration, tables } from "./World.ts"

const root = join(import.meta.dirname, "../..")

const existing = Effect.fnUntraced(function* (rows: number) {
  const nats = yield* testNats
  const database = yield* testDatabase
  yield* database.query(tables)
  yield* database.query(
    `INSERT INTO patients (name, telegram_chat_id) SELECT 'secret-name ' || n, CASE WHEN n <= 9 THEN 100 + n END FROM generate_series(1, 10) n`
  )
  // Of ten rows: one past, one cancelled, one of a patient without contact, one blank, six good.
  yield* database.query(
    `WITH p AS (SELECT array_agg(id ORDER BY name COLLATE "C") AS ids FROM patients WHERE telegram_chat_id IS NOT NULL),
       without AS (SELECT id FROM patients WHERE telegram_chat_id IS NULL)
     INSERT INTO scheduled_messages (id, patient_id, body, send_at, cancelled)
     SELECT n, CASE n % 10 WHEN 2 THEN without.id ELSE p.ids[1 + n % 9] END, CASE n % 10 WHEN 3 THEN ' ' ELSE 'secret-text ' || n END,
       CASE n % 10 WHEN 0 THEN now() - interval '1 day' ELSE now() + interval '1 day' END, n % 10 = 1
     FROM p, without, generate_series(1, $1::int) n`,
    [rows]
  )
  yield* database.query("ANALYZE")
  const folder = yield* temporaryFolder("backfill")
  const config = join(folder, "bridge.json")
  writeFileSync(config, JSON.stringify(configuration))
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    TABLE_BRIDGE_CONFIG: config,
    OUTBOX_POLL_MILLIS: "100"
  }
  const start = (args: ReadonlyArray<string>) => {
    // The program itself, not its starter: killing that one would leave it running.
    const child = spawn(process.execPath, [join(root, "cli/main.ts"), "bridge", ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...nothingRuns, ...compileCache, ...environment }
    })
    let text = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk))
    const ended = Effect.callback<{ code: number | null; text: string }>((resume) => {
      child.on("close", (code) => resume(Effect.succeed({ code, text })))
    })
    return { child, ended }
  }
  const bridge = (...args: ReadonlyArray<string>) => Effect.suspend(() => start(args).ended)
  return { nats, database, environment, folder, start, bridge }
})

/** Beside it stands how far it is, on a machine that is slow to begin. */
const jsonIn = (text: string) =>
  JSON.parse(text.split("\n").findLast((line) => line.startsWith("{")) ?? "{}") as Record<string, unknown>

describe("the backfill", () => {
  it.live("reports what would become of every row before anything is touched, naming nobody", () =>
    Effect.gen(function* () {
      const { bridge, database, folder } = yield* existing(1_000)
      const dry = yield* bridge("backfill", "--dry-run", "--json")
      assert.strictEqual(dry.code, 0, dry.text)
      assert.deepInclude(jsonIn(dry.text), {
        read: 1_000,
        scheduled: 600,
        past: 100,
        inactive: 100,
        noContact: 100,
        invalid: 100,
        known: 0
      })
      const report = readFileSync(join(folder, "backfill-reminders.problems.ndjson"), "utf8")
      const lines = report
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object)
      assert.lengthOf(lines, 200)
      assert.deepInclude(lines, { row: "2", problem: "the patient has no chatId or contact" })
      assert.deepInclude(lines, { row: "3", problem: "content.text must not be blank" })
      assert.notInclude(report, "secret")
      assert.deepStrictEqual(yield* database.query("SELECT to_regnamespace('carillon_bridge') AS none"), [
        { none: null }
      ])
      const early = yield* bridge("backfill")
      assert.strictEqual(early.code, 2)
      assert.include(early.text, "run")
      assert.strictEqual((yield* bridge("migrate")).code, 0)
      const check = yield* bridge("check", "--json")
      assert.strictEqual(check.code, 0, check.text)
      yield* bridge("backfill")
      const status = yield* bridge("status", "--json")
      assert.deepInclude(jsonIn(status.text), {
        rows: { inactive: 100, invalid: 100, "no-contact": 100, pending: 600 },
        commandsWaiting: 600,
        backfill: "not under way"
      })
      yield* database.query("ALTER TABLE patients DISABLE TRIGGER USER")
      const wrong = yield* bridge("check")
      assert.strictEqual(wrong.code, 4)
      assert.include(wrong.text, "is disabled")
    })
  )

  it.live(
    "makes each of 20,000 rows one message, though it and the bridges are killed and the application works on",
    () =>
      Effect.gen(function* () {
        const { bridge, database, environment, nats, start } = yield* existing(20_000)
        assert.strictEqual((yield* bridge("migrate")).code, 0)
        const scheduler = yield* serviceProcess("scheduler", environment)
        const one = yield* serviceProcess("table-bridge", environment)
        const other = yield* serviceProcess("table-bridge", environment)
        yield* Effect.all([scheduler.start, one.start, other.start], { concurrency: "unbounded" })
        const place = Effect.map(
          database.query("SELECT (backfill ->> 'after')::int AS after FROM carillon_bridge.bridges"),
          ([row]) => Number(row?.after ?? 0)
        )
        for (const until of [3_000, 6_000]) {
          const running = start(["backfill"])
          yield* eventually(`row ${until}`, place, (after) => after >= until)
          running.child.kill("SIGKILL")
          yield* running.ended
          yield* until === 3_000 ? one.kill9 : other.kill9
          yield* database.query("UPDATE scheduled_messages SET body = 'edited' WHERE id IN ($1, $2)", [
            until + 1_004,
            4
          ])
          yield* until === 3_000 ? one.start : other.start
        }
        const stopped = yield* place
        const last = yield* bridge("backfill", "--json")
        assert.strictEqual(last.code, 0, last.text)
        const counts = jsonIn(last.text) as Record<string, number>
        assert.isAbove(stopped, 5_999)
        assert.isBelow(stopped, 20_000)
        assert.strictEqual(counts.read, 20_000)
        assert.strictEqual(
          (counts.scheduled ?? 0) +
            (counts.known ?? 0) +
            (counts.inactive ?? 0) +
            (counts.noContact ?? 0) +
            (counts.invalid ?? 0) +
            (counts.past ?? 0),
          20_000
        )
        yield* eventually(
          "everything carried out",
          Effect.all([
            database.query("SELECT count(*)::int AS n FROM carillon_outbox.commands"),
            streamCount(nats.url, "COMMANDS")
          ]),
          ([rows, commands]) => rows[0]?.n === 0 && commands === 0
        )
        const scheduled = yield* eventsOf(nats.url, "carillon.event.scheduled.>")
        const ids = scheduled.map(({ message }) => (message as { id: string }).id)
        assert.lengthOf(ids, 12_000)
        assert.strictEqual(new Set(ids).size, 12_000)
        assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rejected.*"), 0)
        yield* eventually(
          "written back",
          database.query("SELECT count(*)::int AS n FROM scheduled_messages WHERE carillon_status = 'pending'"),
          ([row]) => row?.n === 12_000
        )
        assert.notInclude(one.output() + other.output(), "secret")
      })
  )
})
