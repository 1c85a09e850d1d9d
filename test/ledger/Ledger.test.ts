// The ledger on a real nats-server and a real Postgres: what stands in the log stands in the tables, once.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Result, Scope } from "effect"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { writeEvents } from "../../services/ledger/projection/Batch.ts"
import { begin, checkpoint } from "../../services/ledger/projection/Checkpoint.ts"
import { undecided } from "../../services/ledger/watchdog/Undecided.ts"
import { eventually } from "../support/Carillon.ts"
import { dispatched, livesOf, mark, messageOf, rescheduled, scheduled, sent, started } from "./Histories.ts"
import { expected, world } from "./World.ts"

describe("the ledger", () => {
  it.live("makes of the log the rows that the rules say", () =>
    Effect.gen(function* () {
      const { append, ledger, projected, recorded, rows } = yield* world
      yield* ledger
      const events = livesOf("m", 33)
      yield* append(events.slice(0, 40))
      yield* projected
      yield* append(events.slice(40))
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, events.length)
    })
  )

  it.live("changes nothing when every event is said again", () =>
    Effect.gen(function* () {
      const { append, appendCopies, count, ledger, manager, projected, rows } = yield* world
      const events = livesOf("m", 22)
      yield* append(events)
      yield* ledger
      yield* projected
      const before = yield* rows
      yield* appendCopies([...events].reverse())
      yield* appendCopies(events)
      yield* projected
      assert.deepStrictEqual(yield* rows, before)
      assert.strictEqual(yield* count("message_events"), events.length)
      // Some of a batch only, too: what is new among them is not left out.
      yield* appendCopies([...events.slice(0, 5), scheduled("new"), ...events.slice(5)])
      yield* projected
      assert.isTrue((yield* rows).messages.some(({ id }) => id === "new"))
      assert.strictEqual(yield* count("message_events"), events.length + 1)
      const { state } = yield* Effect.promise(() => manager.streams.info("QUARANTINE"))
      assert.strictEqual(state.messages, 0)
    })
  )

  it.live("keeps a message's status when its earlier events come later", () =>
    Effect.gen(function* () {
      const { appendCopies, ledger, projected, reader } = yield* world
      yield* ledger
      for (const event of [sent("m"), started("m"), rescheduled("m", 10), dispatched("m"), scheduled("m")]) {
        yield* appendCopies([event])
        yield* projected
      }
      const [row] = yield* reader.list()
      assert.deepInclude(row, { status: "sent", attempts: 1, dueAt: "2026-11-01T09:08:30.000Z" })
      assert.strictEqual(row?.acceptedAt, scheduled("m").at)
    })
  )

  it.live("puts what cannot be read or stored in quarantine, and goes on", () =>
    Effect.gen(function* () {
      const { append, count, ledger, manager, projected, publish, reader } = yield* world
      const foreign = (payload: string) => ({ subject: Subject.events("failed", "telegram"), payload, headers: {} })
      yield* append([scheduled("before")])
      yield* publish([
        foreign("not json"),
        foreign(JSON.stringify({ type: "delivered-by-pigeon", id: "m", at: fromMillis(0) })),
        foreign(JSON.stringify({ ...sent("nul"), type: "unknown", reason: "a\u0000b" })),
        foreign(JSON.stringify({ ...sent("never"), sentAt: "2026-99-99T99:99:99.999Z" }))
      ])
      yield* append([scheduled("after")])
      yield* ledger
      yield* projected
      const listed = yield* reader.list()
      assert.deepStrictEqual(
        listed.map(({ id }) => id),
        ["after", "before"]
      )
      assert.strictEqual(yield* count("message_events"), 2)
      const { state } = yield* Effect.promise(() => manager.streams.info("QUARANTINE"))
      assert.strictEqual(state.messages, 4)
      const kept = yield* Effect.promise(() => manager.streams.getMessage("QUARANTINE", { seq: 1 }))
      assert.strictEqual(kept?.subject, Subject.quarantine("EVENTS", "ledger"))
      assert.strictEqual(kept?.string(), "not json")
    })
  )

  it.live("keeps text as it was said, whatever is in it", () =>
    Effect.gen(function* () {
      const { append, ledger, projected, recorded, rows } = yield* world
      yield* ledger
      const odd = 'a\tb\nc\r\\ \\N \\. "quoted" {x,NULL} ü'
      const about = (id: string, reason: string) => {
        const { sentAt: _, providerMessageId, dueAt, ...sentOf } = sent(id) as EventOf<"sent">
        return { ...sentOf, type: "failed" as const, category: "content" as const, reason, providerMessageId }
      }
      const saying = (event: Event, text: string): Event =>
        "message" in event ? { ...event, message: { ...event.message, content: { type: "text", text } } } : event
      // As new rows, and as changes of rows that stand.
      yield* append([
        scheduled("one"),
        about("two", odd),
        about("three", "\\N"),
        saying(scheduled("five"), `${odd} 💊`)
      ])
      yield* projected
      yield* append([about("one", odd), sent("four"), saying(rescheduled("five", 10), `💊 ${odd}`)])
      yield* projected
      const { timeline, ...found } = yield* rows
      assert.deepStrictEqual(found as unknown, expected(yield* recorded))
      assert.deepStrictEqual(
        found.messages.map(({ id, errorDetail }) => [id, errorDetail]),
        [
          ["five", null],
          ["four", null],
          ["one", odd],
          ["three", "\\N"],
          ["two", odd]
        ]
      )
      assert.strictEqual(timeline.filter(({ detail }) => detail.reason === odd).length, 2)
    })
  )

  it.live("puts what a message says in place of what stood under its id", () =>
    Effect.gen(function* () {
      const { append, ledger, postgres, projected, recorded, rows } = yield* world
      yield* postgres.query("INSERT INTO carillon.message_contents VALUES ('one', '{}', '{}')")
      yield* ledger
      yield* append([scheduled("one"), scheduled("two")])
      yield* projected
      const { timeline: _, ...found } = yield* rows
      assert.deepStrictEqual(found as unknown, expected(yield* recorded))
    })
  )

  it.live("writes the rows and its position together, or neither", () =>
    Effect.gen(function* () {
      const { append, count, log, postgres, recorded } = yield* world
      yield* append(livesOf("m", 11))
      const at = yield* begin(postgres.query, "carillon", (yield* log.extent).created)
      const events = yield* recorded
      const cut = yield* Effect.exit(
        postgres.transaction((query) =>
          Effect.andThen(writeEvents(query, "carillon", at, events.length, events), Effect.fail("killed here"))
        )
      )
      assert.isTrue(Exit.isFailure(cut))
      assert.strictEqual(yield* count("message_events"), 0)
      assert.strictEqual((yield* checkpoint(postgres.query, "carillon"))?.sequence, 0)
    })
  )

  it.live("lets one of two go on from a position, and the other write nothing", () =>
    Effect.gen(function* () {
      const { append, count, log, postgres, recorded } = yield* world
      yield* append(livesOf("m", 11))
      const at = yield* begin(postgres.query, "carillon", (yield* log.extent).created)
      const events = yield* recorded
      const one = Effect.result(
        postgres.transaction((query) => writeEvents(query, "carillon", at, events.length, events))
      )
      const both = yield* Effect.all([one, one], { concurrency: "unbounded" })
      const refused = both.filter(Result.isFailure).map(({ failure }) => failure._tag)
      assert.deepStrictEqual(refused, ["Overtaken"])
      assert.strictEqual(yield* count("message_events"), events.length)
    })
  )

  it.live("leaves in NATS what it does not get round to", () =>
    Effect.gen(function* () {
      const { append, log, manager } = yield* world
      const events = livesOf("m", 4_800)
      yield* append(events)
      const { take } = yield* log.from(1)
      const waiting = Effect.promise(async () => (await manager.consumers.list("EVENTS").next())[0]?.num_pending ?? 0)
      for (let taken = 1; taken <= 100; taken++) {
        yield* take(1)
        assert.isAtLeast((yield* waiting) + taken, events.length - 2_500)
      }
    })
  )

  it.live("projects each event once when two run, and the other takes over when one stops", () =>
    Effect.gen(function* () {
      const { append, ledger, projected, recorded, rows } = yield* world
      const firstScope = yield* Scope.make()
      yield* ledger.pipe(Scope.provide(firstScope))
      const second = yield* ledger
      const all = livesOf("m", 330)
      for (let from = 0; from < all.length; from += 50) yield* append(all.slice(from, from + 50))
      yield* projected
      yield* Scope.close(firstScope, Exit.void)
      yield* append([scheduled("later")])
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, all.length + 1)
      yield* Fiber.interrupt(second)
    })
  )

  it.live("begins anew on a log that was made anew, and keeps its rows", () =>
    Effect.gen(function* () {
      const { append, ledger, manager, projected, reader, services } = yield* world
      yield* append(livesOf("old", 22))
      yield* ledger
      yield* projected
      yield* Effect.promise(() => manager.streams.delete("EVENTS"))
      yield* Effect.provideContext(provision([]), services)
      yield* append([scheduled("new"), dispatched("new"), started("new"), sent("new")])
      const found = yield* eventually("the new message", reader.show("new"), (shown) => shown._tag === "Some")
      assert.strictEqual(found._tag === "Some" ? found.value.message.status : "", "sent")
      assert.strictEqual((yield* reader.show("old-1"))._tag, "Some")
    })
  )

  it.live("keeps what is personal in message_contents and nowhere else", () =>
    Effect.gen(function* () {
      const { append, ledger, postgres, projected } = yield* world
      yield* ledger
      yield* append(livesOf("m", 22))
      yield* projected
      const columns = yield* postgres.query<{ readonly name: string; readonly column: string }>(
        `SELECT table_name AS name, column_name AS "column" FROM information_schema.columns
         WHERE table_schema = 'carillon' ORDER BY 1, 2`
      )
      const holding: Array<string> = []
      for (const { name, column } of columns) {
        const [found] = yield* postgres.query<{ readonly n: number }>(
          `SELECT count(*) AS n FROM carillon.${name} WHERE ${column}::text LIKE $1`,
          [`%${mark}%`]
        )
        if (found && found.n > 0) holding.push(`${name}.${column}`)
      }
      assert.deepStrictEqual(holding, ["message_contents.content", "message_contents.recipient"])
      const [kept] = yield* postgres.query<{ readonly content: unknown; readonly recipient: unknown }>(
        "SELECT content, recipient FROM carillon.message_contents WHERE message_id = 'm-1'"
      )
      const { content, recipient } = messageOf("m-1")
      assert.deepStrictEqual(kept, { content, recipient })
    })
  )
})

describe("messages of which nobody knows whether they arrived", () => {
  it.live("are counted until somebody decides, or NATS has dropped their letters", () =>
    Effect.gen(function* () {
      const { postgres, services } = yield* world
      const look = Effect.provideContext(undecided, services)
      assert.deepStrictEqual(yield* look, { messages: 0, oldestSeconds: 0 })
      for (const [id, status, days] of [
        ["gone", "unknown", 91],
        ["old", "unknown", 89],
        ["new", "unknown", 1],
        ["decided", "failed", 200]
      ])
        yield* postgres.query(
          `INSERT INTO carillon.scheduled_messages (id, status, attempts, possible_duplicate, metadata, recorded_at, updated_at)
           VALUES ($1, $2, 1, false, '{}', now(), now() - make_interval(days => $3))`,
          [id, status, days]
        )
      const { messages, oldestSeconds } = yield* look
      assert.strictEqual(messages, 2)
      assert.strictEqual(Math.round(oldestSeconds / 86_400), 89)
    })
  )
})
