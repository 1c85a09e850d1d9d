// Timers, events, consumers and rows deleted by hand: the watchdog finds what was lost, tells of it by its id, and has it
// done after all; every message ends in one recorded outcome, and none is sent twice without being recorded as such.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import type { ServiceProcess } from "../../deploy/local/ServiceProcess.ts"
import { carillon, command, eventually, type Settings, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { figureOf } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deleteEvents, forgetDuplicates, pendingTimers, purgeSubject, putTimer } from "../support/Streams.ts"

const watched = Effect.fnUntraced(function* (settings: Settings = {}) {
  const all = yield* carillon({
    ...settings,
    environment: {
      WATCHDOG_SECONDS: "1",
      WATCHDOG_GRACE_SECONDS: "1",
      RETRY_TIERS: "8x1s",
      ...settings.environment
    }
  })
  yield* all.start
  yield* forgetDuplicates(all.nats.url)
  const { database, nats, phones } = all
  const rulesOf = (id: string) =>
    Effect.map(
      database.query(
        "select distinct detail->>'rule' as rule from carillon.message_events where type = 'overdue' and message_id = $1",
        [id]
      ),
      (rows) => rows.map(({ rule }) => rule)
    )
  return {
    ...all,
    schedule: (...commands: ReadonlyArray<ReturnType<typeof command>>) => publishPlainly(nats.url, commands),
    is: (id: string, wanted: string) =>
      eventually(`${id} is ${wanted}`, statusOf(database, id), (now) => now === wanted),
    recorded: (id: string, type: string) =>
      eventually(
        `${type} of ${id}`,
        database.query("select 1 from carillon.message_events where message_id = $1 and type = $2", [id, type]),
        ({ length }) => length > 0
      ),
    rulesOf,
    found: (id: string, rule: string) => eventually(`${rule} of ${id}`, rulesOf(id), (rules) => rules.includes(rule)),
    arrivals: (id: string) => phones.received.filter(({ text }) => text === `text of ${id}`).length,
    attemptsOf: (id: string) =>
      database.query(
        "select attempt, outcome, possible_duplicate as twice from carillon.message_delivery_attempts where message_id = $1 order by attempt",
        [id]
      )
  }
})

const once = [{ attempt: 1, outcome: "sent", twice: false }]

describe("a timer deleted by hand", () => {
  it.live("stands again before its time, and the message goes out once", () =>
    Effect.gen(function* () {
      const { arrivals, attemptsOf, found, is, nats, recorded, schedule, services } = yield* watched()
      yield* schedule(command("soon", 15_000), command("far", 86_400_000))
      yield* recorded("soon", "scheduled")
      yield* recorded("far", "scheduled")
      yield* purgeSubject(nats.url, "TIMERS", "carillon.timer.pending.*")
      yield* found("soon", "no-timer")
      yield* found("far", "no-timer")
      yield* is("soon", "sent")
      yield* eventually("far stands", pendingTimers(nats.url), (subjects) =>
        subjects.includes("carillon.timer.pending.far")
      )
      assert.strictEqual(arrivals("soon"), 1)
      assert.deepStrictEqual(yield* attemptsOf("soon"), once)
      const warned = services.ledger
        .output()
        .split("\n")
        .filter((line) => line.includes("overdue: no-timer"))
      assert.isTrue(warned.some((line) => line.includes('"message_id":"far"')))
    })
  )

  it.live("when it has fired and nobody had it yet, is found when it is past due; past its deadline it expires", () =>
    Effect.gen(function* () {
      const { arrivals, attemptsOf, found, is, nats, recorded, schedule, services } = yield* watched({
        processes: ["dispatcher"]
      })
      yield* services.dispatcher.kill9
      yield* schedule(command("lost", 0), command("too-late", 0, { maxLatenessSeconds: 1 }))
      yield* recorded("lost", "scheduled")
      yield* recorded("too-late", "scheduled")
      yield* purgeSubject(nats.url, "TIMERS", "carillon.timer.due.>")
      yield* services.dispatcher.start
      yield* is("lost", "sent")
      yield* is("too-late", "expired")
      yield* found("lost", "past-due")
      assert.strictEqual(arrivals("lost"), 1)
      assert.strictEqual(arrivals("too-late"), 0)
      assert.deepStrictEqual(yield* attemptsOf("lost"), once)
    })
  )

  it.live("of a message that the log no longer holds stands again, by what the ledger kept", () =>
    Effect.gen(function* () {
      const { arrivals, attemptsOf, found, is, nats, phones, recorded, schedule } = yield* watched({
        answer: ({ chatId }, method) =>
          method === "sendMessage" && chatId === "1"
            ? Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
            : undefined
      })
      const fallback = [{ platform: "telegram", recipient: { chatId: "2" } }]
      yield* schedule(command("old", 15_000, { recipient: { chatId: "1" }, fallback }))
      yield* recorded("old", "scheduled")
      yield* purgeSubject(nats.url, "EVENTS", "carillon.event.>")
      yield* purgeSubject(nats.url, "TIMERS", "carillon.timer.pending.*")
      yield* found("old", "no-timer")
      yield* is("old", "sent")
      assert.strictEqual(arrivals("old"), 1)
      assert.deepStrictEqual(
        phones.requests.map(({ chatId }) => chatId),
        ["1", "2"]
      )
      assert.strictEqual((yield* attemptsOf("old")).length, 2)
    })
  )

  it.live("by nobody, but left over from a message that ended, is told of", () =>
    Effect.gen(function* () {
      const { found, is, nats, recorded, schedule } = yield* watched()
      yield* schedule(command("called-off", 86_400_000))
      yield* recorded("called-off", "scheduled")
      yield* schedule({ subject: "carillon.command.cancel", payload: JSON.stringify({ id: "called-off" }) })
      yield* is("called-off", "cancelled")
      yield* putTimer(nats.url, "called-off")
      yield* found("called-off", "timer-left")
    })
  )
})

describe("an event deleted by hand", () => {
  it.live("that was on its way to the gateway is sent after all, under the same attempt", () =>
    Effect.gen(function* () {
      const { arrivals, attemptsOf, found, is, nats, recorded, schedule, services } = yield* watched({
        processes: ["telegram-gateway"]
      })
      yield* services["telegram-gateway"].kill9
      yield* schedule(command("m", 0))
      yield* recorded("m", "dispatched")
      assert.strictEqual(yield* deleteEvents(nats.url, "dispatched", "m"), 1)
      yield* services["telegram-gateway"].start
      yield* is("m", "sent")
      yield* found("m", "not-sent")
      assert.strictEqual(arrivals("m"), 1)
      assert.deepStrictEqual(yield* attemptsOf("m"), once)
    })
  )

  for (const unknownOutcome of ["resend", "hold"] as const) {
    it.live(`that told how a send ended makes it one of unknown outcome: ${unknownOutcome}`, () =>
      Effect.gen(function* () {
        let failing = true
        const { arrivals, attemptsOf, found, is, nats, recorded, schedule, services } = yield* watched({
          processes: ["dispatcher", "ledger", "telegram-gateway"],
          answer: (_, method) =>
            method === "sendMessage" && failing ? Reply.ApiError({ code: 500, description: "Internal" }) : undefined
        })
        yield* services["telegram-gateway"].kill9
        yield* schedule(command("m", 0, { unknownOutcome }))
        yield* recorded("m", "dispatched")
        yield* services.dispatcher.kill9
        // Else the ledger knows what the log forgets.
        yield* services.ledger.kill9
        yield* services["telegram-gateway"].start
        yield* eventually("the failure", deleteEvents(nats.url, "attempt-failed", "m"), (count) => count > 0)
        failing = false
        yield* services.dispatcher.start
        yield* services.ledger.start
        yield* is("m", unknownOutcome === "hold" ? "unknown" : "sent")
        yield* found("m", "no-outcome")
        assert.strictEqual(arrivals("m"), unknownOutcome === "hold" ? 0 : 1)
        assert.deepStrictEqual(yield* attemptsOf("m"), [
          { attempt: 1, outcome: "unknown", twice: false },
          ...(unknownOutcome === "hold" ? [] : [{ attempt: 2, outcome: "sent", twice: true }])
        ])
      })
    )
  }

  it.live("that told what follows a failed attempt has it decided again", () =>
    Effect.gen(function* () {
      let failing = true
      const { arrivals, attemptsOf, found, is, nats, schedule, services } = yield* watched({
        processes: ["ledger", "telegram-gateway"],
        answer: (_, method) =>
          method === "sendMessage" && failing
            ? Reply.ApiError({ code: 429, description: "wait", parameters: { retry_after: 3 } })
            : undefined
      })
      yield* services["telegram-gateway"].kill9
      yield* schedule(command("m", 0))
      yield* eventually("dispatched", pendingTimers(nats.url), ({ length }) => length === 0)
      yield* services.ledger.kill9
      yield* services["telegram-gateway"].start
      const gone = Effect.gen(function* () {
        const count = yield* deleteEvents(nats.url, "retry-scheduled", "m")
        if (count > 0) yield* purgeSubject(nats.url, "TIMERS", "carillon.timer.pending.*")
        return count
      })
      yield* eventually("the retry", gone, (count) => count > 0)
      failing = false
      yield* services.ledger.start
      yield* is("m", "sent")
      yield* found("m", "undecided")
      assert.strictEqual(arrivals("m"), 1)
      assert.deepStrictEqual(yield* attemptsOf("m"), [
        { attempt: 1, outcome: "failed", twice: false },
        { attempt: 2, outcome: "sent", twice: false }
      ])
    })
  )

  it.live("that told of an intent is missed", () =>
    Effect.gen(function* () {
      const { database, found, is, nats, schedule, services } = yield* watched({ processes: ["ledger"] })
      yield* schedule(command("before", 0))
      yield* is("before", "sent")
      yield* services.ledger.kill9
      // Later than the first event that the log holds by more than the grace: before that the intent may just be gone.
      yield* schedule(command("m", 2_500))
      yield* eventually("the intent", deleteEvents(nats.url, "send-started", "m"), (count) => count > 0)
      yield* services.ledger.start
      yield* is("m", "sent")
      yield* found("m", "no-intent")
      const others = yield* database.query(
        "select 1 from carillon.message_events where type = 'overdue' and message_id <> 'm'"
      )
      assert.deepStrictEqual(others, [])
    })
  )
})

describe("a row deleted by hand", () => {
  it.live("is missed, and the message goes out all the same", () =>
    Effect.gen(function* () {
      const { arrivals, database, found, is, recorded, schedule } = yield* watched()
      yield* schedule(command("m", 12_000))
      yield* recorded("m", "scheduled")
      yield* database.query("delete from carillon.scheduled_messages where id = 'm'")
      yield* found("m", "no-row")
      yield* is("m", "sent")
      assert.strictEqual(arrivals("m"), 1)
    })
  )

  it.live("in the timeline does not have a message sent again", () =>
    Effect.gen(function* () {
      const { arrivals, attemptsOf, database, found, is, schedule } = yield* watched()
      yield* schedule(command("m", 0))
      yield* is("m", "sent")
      yield* database.query("delete from carillon.message_events where message_id = 'm' and type <> 'scheduled'")
      yield* database.query("update carillon.scheduled_messages set status = 'pending' where id = 'm'")
      yield* found("m", "past-due")
      yield* schedule(command("other", 5_000))
      yield* is("other", "sent")
      assert.strictEqual(arrivals("m"), 1)
      assert.deepStrictEqual(yield* attemptsOf("m"), once)
    })
  )
})

describe("a watchdog with nothing to find", () => {
  it.live("is silent while messages are tried again, wait for a limit, are paused, and while services are away", () =>
    Effect.gen(function* () {
      const failedOnce = new Set<string>()
      const { database, environment, is, nats, phones, schedule, services } = yield* watched({
        processes: ["dispatcher", "ledger", "telegram-gateway"],
        answer: ({ text }, method) => {
          if (method !== "sendMessage" || failedOnce.has(text)) return undefined
          failedOnce.add(text)
          const [, number] = text.split("-")
          if (Number(number) % 3 === 0)
            return Reply.ApiError({ code: 429, description: "wait", parameters: { retry_after: 4 } })
          return Number(number) % 3 === 1 ? Reply.Raw({ status: 502, body: "" }) : undefined
        },
        environment: { TELEGRAM_MESSAGES_PER_SECOND: "5", WATCHDOG_GRACE_SECONDS: "3" }
      })
      const run = cli({ NATS_URL: nats.url, DATABASE_URL: environment.DATABASE_URL })
      const ids = Array.from({ length: 45 }, (_, number) => `m-${number}`)
      const to = (number: number) => ({ recipient: { chatId: String(1_000 + number) } })
      yield* schedule(...ids.map((id, number) => command(id, 1_000, to(number))), command("later", 86_400_000))
      yield* eventually(
        "some sent",
        Effect.sync(() => phones.received.length),
        (count) => count > 10
      )
      yield* run(["pause", "telegram"])
      // Each waits longer than the grace and two rounds.
      const rounds = looks(services.ledger)
      yield* rounds(6)
      yield* run(["resume", "telegram"])
      yield* services.dispatcher.kill9
      yield* schedule(command("waits", 0))
      yield* rounds(6)
      yield* services.dispatcher.start
      yield* services["telegram-gateway"].kill9
      yield* rounds(6)
      yield* services["telegram-gateway"].start
      yield* is("waits", "sent")
      yield* eventually(
        "all sent",
        database.query("select 1 from carillon.scheduled_messages where status = 'sent'"),
        ({ length }) => length === ids.length + 1
      )
      yield* rounds(3)
      assert.deepStrictEqual(
        yield* database.query("select message_id, detail from carillon.message_events where type = 'overdue'"),
        []
      )
      // What was being sent when the gateway was killed is sent again, and recorded as such.
      const twice = yield* database.query("select id from carillon.scheduled_messages where possible_duplicate")
      const texts = phones.received.map(({ text }) => text)
      const doubled = texts.filter((text, index) => texts.indexOf(text) !== index)
      assert.includeMembers(
        twice.map(({ id }) => `text of ${id}`),
        doubled
      )
    })
  )
})

/** Waits until so many more rounds have looked at everything. */
const looks = (ledger: ServiceProcess) => {
  const last = figureOf(ledger, "carillon_watchdog_looked_at_seconds")
  return Effect.fnUntraced(function* (rounds: number) {
    const begun = yield* last
    yield* eventually(`${rounds} rounds`, last, (at) => begun > 0 && at - begun >= rounds)
  })
}
