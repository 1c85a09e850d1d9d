// A backup is put back: what an older Postgres makes up for by itself, and what an operator does after an older NATS, as
// docs/operations.md says. The copy of NATS is of the folder of a server that is stopped.
import { cp, rm } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { restore, snapshots } from "../support/Snapshots.ts"
import { eventsOf, everythingStored, pendingTimers } from "../support/Streams.ts"
import type { TestNats } from "../support/servers/TestNats.ts"

/** Of a server that is stopped for it. */
const copyOf = Effect.fnUntraced(function* (nats: TestNats) {
  const copy = yield* temporaryFolder("backup")
  yield* nats.stop
  yield* Effect.promise(() => cp(nats.storeDir, copy, { recursive: true }))
  yield* nats.start
  return copy
})

const putBack = Effect.fnUntraced(function* (nats: TestNats, copy: string) {
  yield* nats.stop
  yield* Effect.promise(() => rm(nats.storeDir, { recursive: true }))
  yield* Effect.promise(() => cp(copy, nats.storeDir, { recursive: true }))
  yield* nats.start
})

/** Soon found by the watchdog, so that nobody waits for it here. */
const watchful = { WATCHDOG_SECONDS: "1", WATCHDOG_GRACE_SECONDS: "1" }

const started = Effect.gen(function* () {
  const all = yield* carillon({ environment: watchful })
  yield* all.start
  const { database, nats, phones, services } = all
  const run = cli({ NATS_URL: nats.url, DATABASE_URL: database.url })
  const succeeds = (...args: ReadonlyArray<string>) =>
    Effect.map(run(args), ({ code, err, out }) => {
      assert.strictEqual(code, 0, `carillon ${args.join(" ")}: ${err}`)
      return out
    })
  const became = (id: string, status: string) =>
    eventually(`${id} ${status}`, statusOf(database, id), (found) => found === status)
  const schedule = (...messages: ReadonlyArray<ReturnType<typeof command>>) => publishPlainly(nats.url, messages)
  const texts = () => phones.received.map(({ text }) => text)
  const stop = Effect.forEach(Object.values(services), (service) => service.stop, { concurrency: "unbounded" })
  /** They have found NATS again. */
  const ready = Effect.forEach(Object.values(services), ({ isReady }) => eventually("ready", isReady, (is) => is))
  return { ...all, run, succeeds, became, schedule, texts, stop, ready }
})

describe("an older NATS is put back under the tables as they are", () => {
  it.live("and nothing is sent again, taken back or lost, by what docs/operations.md says", () =>
    Effect.gen(function* () {
      const { became, database, nats, schedule, services, stop, succeeds, texts } = yield* started
      const later = 25_000
      const due = Date.now() + later
      yield* schedule(command("sent-since", 6_000), command("cancelled-since", 3_600_000), command("waits", later))
      yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length === 3)
      const taken = Date.now()
      const backup = yield* copyOf(nats)

      yield* became("sent-since", "sent")
      yield* succeeds("cancel", "cancelled-since")
      const both = command("accepted-and-sent-since", 500)
      yield* schedule(command("accepted-since", later), both)
      yield* became("accepted-since", "pending")
      yield* became("accepted-and-sent-since", "sent")
      yield* became("cancelled-since", "cancelled")

      // The disk of NATS is lost, and the services are stopped before the backup is put back.
      const lost = Date.now()
      yield* stop
      yield* putBack(nats, backup)
      assert.sameMembers(
        (yield* pendingTimers(nats.url)).filter((subject) => !subject.endsWith("sent-since")),
        ["carillon.timer.pending.cancelled-since", "carillon.timer.pending.waits"]
      )
      // The ledger first, alone: it sees that the log is an older one, and keeps the rows.
      yield* services.ledger.start
      yield* eventually("says so", Effect.sync(services.ledger.output), (output) =>
        output.includes("The event log is not the one that was projected")
      )
      assert.strictEqual(yield* statusOf(database, "sent-since"), "sent")
      yield* services.scheduler.start
      yield* succeeds("pause", "telegram", "--reason", "backup put back")
      // What was cancelled since is known by the tables, and its timer stands again.
      const cancelled = yield* database.query(
        "select distinct message_id from carillon.message_events where type = 'cancelled' and at > $1",
        [new Date(taken)]
      )
      for (const { message_id } of cancelled)
        yield* succeeds("cancel", String(message_id), "--reason", "backup put back")
      assert.notInclude(yield* pendingTimers(nats.url), "carillon.timer.pending.cancelled-since")
      yield* Effect.all([services.dispatcher.start, services["telegram-gateway"].start], { concurrency: "unbounded" })
      // What was sent since the backup waits to be sent again.
      yield* eventually("the sent one waits", succeeds("queues", "--json"), (text) =>
        (JSON.parse(text) as ReadonlyArray<{ readonly place: string; readonly inHand?: number }>).some(
          ({ place, inHand = 0 }) => place === "normal messages for telegram default" && inHand > 0
        )
      )
      const seconds = Math.floor((Date.now() - lost) / 1_000)
      yield* succeeds("drop", "telegram", "--later-than", String(seconds), "--reason", "sent before the loss")
      yield* succeeds("resume", "telegram")
      // What was accepted since is known by the tables alone, and the watchdog takes it up from there: within three
      // minutes, for it asks again only then for what it asked for during the pause; at once if it begins anew.
      yield* services.ledger.stop
      yield* services.ledger.start
      // Publishers say again what they said since. The log does not know it; the order to drop still stands.
      yield* schedule(both)
      yield* eventually("dropped", eventsOf(nats.url, "carillon.event.expired.telegram"), (events) =>
        events.some(({ id }) => id === "accepted-and-sent-since")
      )

      yield* became("waits", "sent")
      yield* became("accepted-since", "sent")
      const once = ["accepted-and-sent-since", "accepted-since", "sent-since", "waits"]
      assert.deepStrictEqual(
        texts().sort(),
        once.map((id) => `text of ${id}`)
      )
      assert.isAbove(Date.now(), due)
      assert.strictEqual(yield* statusOf(database, "sent-since"), "sent")
      assert.strictEqual(yield* statusOf(database, "cancelled-since"), "cancelled")
    })
  )

  it.live("and who was erased since is erased again, by their ids alone; and nobody else", () =>
    Effect.gen(function* () {
      const { became, nats, ready, run, schedule, services, stop, succeeds } = yield* started
      const [person, other] = ["777000111", "888000222"]
      const to = (chatId: string) => ({ recipient: { chatId }, content: { type: "text", text: `words for ${chatId}` } })
      const linked = (contact: string, chatId: string) => ({
        subject: Subject.memory("contact", `telegram.default.${contact}`),
        payload: JSON.stringify({ recipient: { chatId }, linkedAt: "2026-11-01T09:00:00.000Z" })
      })
      const daily = (id: string, chatId: string) => {
        const [recipient, words] = [
          ["--to", chatId],
          ["--text", `words for ${chatId}`]
        ]
        return succeeds("series", "schedule", id, "--cron", "0 9 * * *", "--time-zone", "UTC", ...recipient, ...words)
      }
      yield* daily("theirs", person)
      yield* daily("not-theirs", other)
      yield* schedule(
        linked("p-7", person),
        linked("p-8", other),
        command("sent", 0, to(person)),
        command("erased", 3_600_000, to(person)),
        command("erased-too", 3_600_000, to(person)),
        command("kept", 3_600_000, to(other))
      )
      yield* became("sent", "sent")
      for (const id of ["erased", "erased-too", "kept"]) yield* became(id, "pending")
      const backup = yield* copyOf(nats)
      yield* ready
      yield* succeeds("erase", "--recipient", person)
      yield* stop
      yield* putBack(nats, backup)
      assert.include((yield* everythingStored(nats.url)).join("\n"), person)

      yield* services.ledger.start
      yield* eventually("says so", Effect.sync(services.ledger.output), (output) =>
        output.includes("The event log is not the one that was projected")
      )
      yield* services.scheduler.start
      // The row says that it has ended; its timer says otherwise.
      const one = JSON.parse(yield* succeeds("erase", "--message", "erased", "--json"))
      assert.deepInclude(one, { messages: 1, cancelled: 1, left: {} })
      assert.strictEqual((yield* run(["erase", "--again", "--message", "erased"])).code, 2)
      const all = JSON.parse(yield* succeeds("erase", "--again", "--json"))
      assert.deepInclude(all, { messages: 3, cancelled: 1, erased: 0, underWay: [], left: {} })
      const stored = (yield* everythingStored(nats.url)).join("\n")
      assert.notInclude(stored, person)
      assert.include(stored, other)
      assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.kept"])
      assert.include(yield* succeeds("series", "show", "theirs"), "cancelled")
      assert.include(yield* succeeds("series", "show", "not-theirs"), "active")
      assert.notInclude(yield* succeeds("link", "list"), "p-7")
      assert.include(yield* succeeds("link", "list"), "p-8")
    })
  )

  it.live("and where the log has grown past the ledger before it looked, its position is put back by hand", () =>
    Effect.gen(function* () {
      const { became, database, nats, schedule, services, stop } = yield* started
      yield* schedule(command("waits", 3_600_000))
      yield* became("waits", "pending")
      const backup = yield* copyOf(nats)
      yield* schedule(command("accepted-since", 3_600_000))
      yield* became("accepted-since", "pending")
      yield* stop
      yield* putBack(nats, backup)
      yield* services.scheduler.start
      yield* schedule(...["new-1", "new-2"].map((id) => command(id, 3_600_000)))
      yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length === 3)
      yield* services.ledger.start
      yield* became("new-2", "pending")
      // It went on behind the one whose place is taken now.
      assert.isUndefined(yield* statusOf(database, "new-1"))
      yield* services.ledger.stop
      yield* database.query("update carillon.projection_checkpoints set position = 0")
      yield* services.ledger.start
      yield* became("new-1", "pending")
      assert.strictEqual(yield* statusOf(database, "accepted-since"), "pending")
    })
  )

  it.live("and without that what was sent since is sent again: the log does not know of it", () =>
    Effect.gen(function* () {
      const { became, nats, schedule, start, stop, texts } = yield* started
      yield* schedule(command("sent-since", 6_000))
      yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length === 1)
      const backup = yield* copyOf(nats)
      yield* became("sent-since", "sent")
      yield* stop
      yield* putBack(nats, backup)
      yield* start
      yield* eventually("sent again", Effect.sync(texts), ({ length }) => length === 2)
    })
  )

  it.live(
    "from snapshots of a running one: every timer fires, once; the ledger takes the log for a new one, and keeps its rows",
    () =>
      Effect.gen(function* () {
        const { became, nats, schedule, services, start, stop, texts } = yield* started
        yield* schedule(command("sent-before", 0), command("waits", 15_000))
        yield* became("sent-before", "sent")
        yield* became("waits", "pending")
        const taken = yield* snapshots(nats.url)
        yield* stop
        yield* putBack(nats, yield* temporaryFolder("empty"))
        yield* restore(nats.url, taken)
        yield* start
        yield* became("waits", "sent")
        assert.deepStrictEqual(texts(), ["text of sent-before", "text of waits"])
        assert.include(services.ledger.output(), "is not the one that was projected")
      })
  )

  it.live("and if there is none, what the tables hold whole is taken up from them", () =>
    Effect.gen(function* () {
      const { became, nats, schedule, start, stop, texts } = yield* started
      yield* schedule(command("sent-before", 0), command("waits", 15_000))
      yield* became("sent-before", "sent")
      yield* became("waits", "pending")
      yield* stop
      yield* putBack(nats, yield* temporaryFolder("empty"))
      yield* start
      yield* became("waits", "sent")
      assert.deepStrictEqual(texts(), ["text of sent-before", "text of waits"])
    })
  )
})

describe("Postgres is lost", () => {
  it.live("and an older copy of it catches up from the log by itself; none at all is made anew by a rebuild", () =>
    Effect.gen(function* () {
      const { became, database, nats, schedule, services, succeeds } = yield* started
      yield* schedule(command("before", 0), command("waits", 3_600_000))
      yield* became("before", "sent")
      yield* became("waits", "pending")
      yield* services.ledger.stop
      const rows = ["scheduled_messages", "message_delivery_attempts", "message_events", "message_contents"]
      const schema = "carillon"
      // As a dump would have it; the columns of the tables are the ledger's own affair.
      for (const table of [...rows, "projection_checkpoints"])
        yield* database.query(`create table public.${table} as table ${schema}.${table}`)
      yield* services.ledger.start
      yield* schedule(command("since", 0))
      yield* became("since", "sent")
      const whole = yield* database.query("select id, status from carillon.scheduled_messages order by id")

      yield* services.ledger.stop
      for (const table of [...rows, "projection_checkpoints"].toReversed())
        yield* database.query(`delete from ${schema}.${table}`)
      for (const table of [...rows, "projection_checkpoints"])
        yield* database.query(`insert into ${schema}.${table} select * from public.${table}`)
      assert.isUndefined(yield* statusOf(database, "since"))
      yield* services.ledger.start
      yield* became("since", "sent")
      assert.deepStrictEqual(
        yield* database.query("select id, status from carillon.scheduled_messages order by id"),
        whole
      )

      yield* services.ledger.stop
      yield* database.query("drop schema carillon cascade")
      yield* services.ledger.start
      yield* succeeds("ledger", "rebuild")
      assert.deepStrictEqual(
        yield* database.query("select id, status from carillon.scheduled_messages order by id"),
        whole
      )
      assert.lengthOf(yield* pendingTimers(nats.url), 1)
    })
  )
})
