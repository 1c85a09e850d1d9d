// Series through everything that can happen to them: a scheduler killed on any line, NATS restarted, operators at work.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { carillon, eventually, type Settings } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { stoppingProxy } from "../support/proxies/StoppingProxy.ts"
import { eventsOf, forgetDuplicates, pendingTimers, storedSeries, unsettled, waitingTicks } from "../support/Streams.ts"
import { testNats } from "../support/servers/TestNats.ts"

/** Its first occurrence in so many milliseconds, then every minute. */
const scheduleSeries = (id: string, inMillis: number, more: object = {}) => ({
  subject: "carillon.command.schedule-series",
  payload: JSON.stringify({
    id,
    recurrence: { every: "PT1M" },
    start: new Date(Date.now() + inMillis).toISOString(),
    timeZone: "Europe/Berlin",
    platform: "telegram",
    recipient: { chatId: "100200300" },
    content: { type: "text", text: `text of ${id}` },
    ...more
  })
})

const scheduledOf = (url: string) =>
  Effect.map(eventsOf(url, "carillon.event.scheduled.>"), (events) =>
    events.map(({ message }) => message as { readonly id: string; readonly dueAt: string })
  )

/** The scheduler is stopped after so many publishes, killed there, and another one goes on. Answers where it was stopped. */
const killedAfter = (publishes: number, by: "command" | "tick") =>
  Effect.gen(function* () {
    const nats = yield* testNats
    const proxy = yield* stoppingProxy(nats.url)
    const environment = { SERIES_LEAD_SECONDS: by === "tick" ? "5" : "60", SERIES_SWEEP_SECONDS: "3600" }
    const victim = yield* serviceProcess("scheduler", { ...environment, NATS_URL: proxy.url })
    const dispatcher = yield* hostedService("dispatcher", { NATS_URL: nats.url })
    yield* Effect.all([victim.start, dispatcher.start], { concurrency: 2 })
    // Only the log itself can tell what was said before.
    yield* forgetDuplicates(nats.url)
    const begin = publishPlainly(nats.url, [scheduleSeries("m", by === "tick" ? 10_000 : 40_000)])
    if (by === "tick") {
      yield* begin
      yield* eventually("its tick set", waitingTicks(nats.url), (ticks) => ticks.length === 1)
      yield* eventually("its command done", unsettled(nats.url), (left) => left === 0)
      yield* proxy.stopAfter(publishes)
    } else {
      yield* proxy.stopAfter(publishes)
      yield* begin
    }
    yield* eventually("stopped", Effect.sync(proxy.stopped), (subject) => subject !== undefined)
    yield* victim.kill9
    const where = [...proxy.passed(), `not ${proxy.stopped()}`].join(", ")
    const other = yield* hostedService("scheduler", { ...environment, NATS_URL: nats.url })
    yield* other.start
    const series = storedSeries(nats.url, "m")
    yield* eventually(`all published: ${where}`, series, (stored) => stored !== undefined && !("outbox" in stored))
    yield* eventually(`everything settled: ${where}`, unsettled(nats.url), (left) => left === 0)
    const messages = yield* scheduledOf(nats.url)
    assert.lengthOf(messages, 1, where)
    const dispatched = yield* eventsOf(nats.url, "carillon.event.dispatched.>")
    const pending = yield* pendingTimers(nats.url)
    assert.strictEqual(dispatched.length + pending.length, 1, where)
    assert.deepStrictEqual(yield* waitingTicks(nats.url), ["m"], where)
    const { last, next } = (yield* series) as Record<string, { readonly at: string }>
    assert.strictEqual(last?.at, messages[0]?.dueAt, where)
    assert.strictEqual(Date.parse(next?.at ?? "") - Date.parse(last?.at ?? ""), 60_000, where)
    assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.series-changed.*"), 1, where)
    return proxy.stopped()
  }).pipe(Effect.scoped)

const subjects = {
  series: "carillon.series.m",
  changed: "carillon.event.series-changed.telegram",
  scheduled: "carillon.event.scheduled.telegram.",
  timer: "carillon.timer.pending.",
  tick: "carillon.timer.series.m",
  done: "$JS.ACK."
}

describe("a scheduler killed on any line", () => {
  const killedBeforeEach = (by: "command" | "tick", lines: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const stopped = yield* Effect.forEach(lines, (_, before) => killedAfter(before, by), { concurrency: 5 })
      lines.forEach(
        (line, before) => void assert.isTrue(stopped[before]?.startsWith(line), `${before}: ${stopped[before]}`)
      )
    })
  const occurrence = [
    subjects.series,
    subjects.scheduled,
    subjects.timer,
    subjects.series,
    subjects.tick,
    subjects.done
  ]

  it.live("of a tick loses no occurrence and doubles none", () => killedBeforeEach("tick", occurrence), 400_000)
  it.live(
    "of a command loses no occurrence and doubles none",
    () => killedBeforeEach("command", [subjects.series, subjects.changed, subjects.series, ...occurrence]),
    400_000
  )
})

const started = Effect.fnUntraced(function* (settings: Settings = {}) {
  const all = yield* carillon(settings)
  yield* all.start
  const call = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  return { ...all, run: (...args: ReadonlyArray<string>) => call(["series", ...args]), carillonRun: call }
})

describe("a series", () => {
  it.live("goes on over a NATS that is killed and a scheduler that is killed, each occurrence once and on time", () =>
    Effect.gen(function* () {
      const { database, nats, phones, services } = yield* started({
        environment: { SERIES_LEAD_SECONDS: "20" },
        processes: ["scheduler"]
      })
      yield* publishPlainly(nats.url, [scheduleSeries("m", 2_000, { count: 2 })])
      const statuses = Effect.map(
        database.query(
          "select id, status, due_at from carillon.scheduled_messages where series_id = 'm' order by due_at"
        ),
        (rows) => rows
      )
      yield* eventually("the first sent", statuses, (rows) => rows[0]?.status === "sent")
      yield* services.scheduler.kill9
      yield* nats.kill9
      yield* nats.start
      yield* services.scheduler.start
      yield* eventually("the second submitted", statuses, (rows) => rows.length === 2)
      yield* nats.kill9
      yield* nats.start
      const all = yield* eventually("the second sent", statuses, (rows) => rows[1]?.status === "sent")
      const due = all.map((row) => (row.due_at as Date).getTime())
      assert.strictEqual((due[1] ?? 0) - (due[0] ?? 0), 60_000)
      assert.deepStrictEqual(
        phones.received.map(({ text }) => text),
        ["text of m", "text of m"]
      )
      phones.received.forEach(({ at }, index) => {
        assert.isAtLeast(at, due[index] ?? 0)
        assert.isAtMost(at, (due[index] ?? 0) + 5_000)
      })
      assert.deepInclude(yield* storedSeries(nats.url, "m"), { status: "ended" })
      assert.deepStrictEqual(yield* pendingTimers(nats.url), [])
    })
  )

  it.live("is scheduled, shown, paused, resumed, skipped, changed and cancelled from the command line", () =>
    Effect.gen(function* () {
      const { carillonRun, database, phones, run } = yield* started()
      const about = ["--time-zone", "Europe/Berlin", "--to", "100200300", "--text", "text of medicine"]
      const scheduled = yield* run("schedule", "medicine", "--cron", "0 9 * * *", "--meta", "ward=7", ...about)
      assert.match(scheduled.out, /^medicine: scheduled\nnext \d{4}-\d\d-\d\dT09:00:00, at/)
      assert.match((yield* run("list")).out, /medicine +active +cron 0 9 \* \* \* +Europe\/Berlin +telegram/)
      const shown = yield* run("show", "medicine")
      assert.strictEqual(shown.out.match(/T09:00:00[+]0[12]:00/g)?.length, 5)
      assert.notMatch(shown.out, /100200300|text of/)
      assert.match((yield* run("show", "medicine", "--content")).out, /100200300.*\n.*text of medicine/)
      const asJson = () => Effect.map(run("show", "medicine", "--json"), ({ out }) => JSON.parse(out))
      const names = (yield* asJson()).upcoming.map(({ name }: { readonly name: string }) => name)
      assert.match((yield* run("pause", "medicine", "--reason", "in hospital")).out, /paused/)
      assert.deepInclude(yield* asJson(), { status: "paused" })
      assert.match((yield* run("resume", "medicine")).out, /resumed/)
      assert.strictEqual((yield* run("skip", "medicine", names[1])).code, 0)
      assert.deepStrictEqual(
        (yield* asJson()).upcoming.slice(0, 2).map(({ name }: { readonly name: string }) => name),
        [names[0], names[2]]
      )
      assert.strictEqual((yield* run("skip", "medicine", "2020-01-01T09:00:00")).code, 2)
      assert.match((yield* run("change", "medicine", "--every", "P2D")).err, /start: is required/)
      const later = ["--start", "2035-01-01T21:00", "--count", "3"]
      assert.match((yield* run("change", "medicine", "--every", "P2D", ...later)).out, /next 2035-01-01T21:00:00/)
      const changed = yield* asJson()
      assert.deepInclude(changed, {
        revision: 2,
        left: 3,
        plan: { ...changed.plan, start: "2035-01-01T20:00:00.000Z" }
      })
      assert.lengthOf(changed.upcoming, 3)
      assert.strictEqual((yield* run("change", "medicine", "--count", "some")).code, 2)
      assert.strictEqual((yield* run("cancel", "medicine")).code, 0)
      assert.match((yield* run("list", "--status", "cancelled", "--json")).out, /"medicine"/)
      assert.strictEqual((yield* run("resume", "medicine")).code, 2)
      assert.strictEqual((yield* run("show", "nobody")).code, 3)
      assert.strictEqual((yield* run("schedule", "bad", "--cron", "at nine", ...about)).code, 2)

      const start = new Date(Date.now() + 3_000).toISOString()
      yield* run("schedule", "once", "--every", "PT1M", "--start", start, "--count", "1", ...about)
      const ofSeries = Effect.map(carillonRun(["list", "--series", "once", "--json"]), ({ out }) => out.trim())
      const listed = yield* eventually("sent, and listed by its series", ofSeries, (out) => out.includes('"sent"'))
      assert.lengthOf(listed.split("\n"), 1)
      assert.lengthOf(phones.received, 1)
      const [row] = yield* database.query("select series_id from carillon.scheduled_messages")
      assert.deepStrictEqual(row, { series_id: "once" })
    })
  )
})
