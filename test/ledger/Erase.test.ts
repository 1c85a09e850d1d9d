// Erasing on real servers: the personal goes from streams and tables, the record stays, also through a rebuild.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Schedule } from "effect"
import type { Event } from "#shared/contract/Events.ts"
import { type Memorised, Subject } from "#shared/nats/layout/Topology.ts"
import { erase, type Wish } from "../../services/ledger/erasure/Erase.ts"
import type { Places } from "../../services/ledger/erasure/Search.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import type { MessageRow } from "../../services/ledger/projection/Rows.ts"
import { rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { eventually } from "../support/Carillon.ts"
import { everythingStored } from "../support/Streams.ts"
import {
  attemptFailed,
  dispatched,
  failed,
  livesOf,
  mark,
  messageOf,
  rescheduled,
  scheduled,
  sent,
  started
} from "./Histories.ts"
import { world } from "./World.ts"

const filled = Effect.gen(function* () {
  const all = yield* world
  yield* all.append(livesOf("m", 34))
  yield* all.ledger
  yield* all.projected
  const wish: Wish = { dryRun: false, waitMillis: 0, ledgerWaitMillis: 20_000, onProgress: () => Effect.void }
  const tables = Effect.map(all.rows, (rows) => JSON.stringify(rows))
  return {
    ...all,
    /** Everything that stands anywhere, one line each. */
    everything: Effect.gen(function* () {
      return [...(yield* everythingStored(all.nats.url)), yield* tables]
    }),
    erase: (more: Partial<Wish>) => Effect.provideContext(erase({ ...wish, ...more }), all.services),
    again: Effect.provideContext(rebuild({ onProgress: () => Effect.void }), all.services)
  }
})

const of = (lines: ReadonlyArray<string>, id: string) => lines.filter((line) => line.includes(`"id":"${id}"`))

describe("an erasure", () => {
  it.live("leaves of a message what became of it, and nothing that it said or to whom", () =>
    Effect.gen(function* () {
      const { erase, everything, nats, postgres, projected, publish, reader, sums } = yield* filled
      // What others' messages are known by may begin with the same letters.
      const remembered = { button: "m-22", salt: "xm-2y", file: "m-2" }
      for (const [what, payload] of Object.entries(remembered))
        yield* publish([{ subject: Subject.memory(what as Memorised, "telegram.default.k"), payload, headers: {} }])
      const sumsBefore = yield* sums
      const before = Option.getOrThrow(yield* reader.show("m-2", { contents: true }))
      const report = yield* erase({ id: "m-2", reason: "asked by letter" })
      assert.deepInclude(report, { messages: 1, erased: 1, cancelled: 0, underWay: [], left: {} })
      yield* projected
      const after = Option.getOrThrow(yield* reader.show("m-2", { contents: true }))
      const { erasedAt, metadata, updatedAt: _, ...row } = after.message
      assert.isNotNull(erasedAt)
      assert.deepStrictEqual(metadata, {})
      assert.deepInclude(before.message, row)
      assert.deepStrictEqual(after.attempts, before.attempts)
      assert.deepStrictEqual(after.timeline.slice(0, -1), before.timeline)
      assert.deepInclude(after.timeline.at(-1), { type: "erased" })
      assert.isUndefined(after.contents)
      assert.deepStrictEqual(yield* sums, sumsBefore)
      assert.notInclude(of(yield* everythingStored(nats.url), "m-2").join("\n"), mark)
      const stored = (yield* everything).join("\n")
      for (const [what, value] of Object.entries(remembered))
        assert.match(stored, new RegExp(`carillon\\.memory\\.${what}\\.telegram\\.default\\.k[^]*${value}`))
      // Whatever else it knows of the same person was not asked for.
      const [others] = yield* postgres.query("SELECT FROM carillon.message_contents WHERE message_id = 'm-1'")
      assert.isDefined(others)
      assert.include(of(yield* everythingStored(nats.url), "m-1").join("\n"), mark)
    })
  )

  it.live("of a recipient takes all that has ended, in every stream and unreadable too, and says what has not", () =>
    Effect.gen(function* () {
      const { erase, everything, postgres, projected, publish } = yield* filled
      const stranger = {
        ...messageOf("stranger"),
        recipient: { chatId: "555" },
        content: { type: "text" as const, text: "hello" }
      }
      yield* publish([
        { subject: Subject.events("failed", "telegram"), payload: `cut off: {"chatId":"${mark}"`, headers: {} },
        {
          subject: Subject.scheduled("telegram", "stranger"),
          payload: JSON.stringify({ ...scheduled("stranger"), message: stranger }),
          headers: {}
        }
      ])
      yield* publish([
        {
          subject: Subject.dead("telegram", "m-5"),
          payload: JSON.stringify({ message: messageOf("m-5") }),
          headers: {}
        }
      ])
      yield* publish([
        {
          subject: Subject.memory("contact", "telegram.default.k"),
          payload: JSON.stringify({ chatId: mark }),
          headers: {}
        }
      ])
      const state = {
        circuit: { state: "closed", failures: 0, openings: 0, probeAt: 0, reason: "" },
        brakes: { senderUntil: 0, recipientsUntil: { [mark]: 1, 555: 2 }, at: 0 },
        perSecond: 0,
        at: "2026-11-01T09:00:00.000Z"
      }
      yield* publish([
        { subject: Subject.sender("telegram", "default", "state"), payload: JSON.stringify(state), headers: {} }
      ])
      yield* publish([{ subject: Subject.quarantine("EVENTS", "x"), payload: `garbage about "m-1"`, headers: {} }])
      yield* projected
      const open = (yield* postgres.query<{ readonly id: string }>(
        "SELECT id FROM carillon.scheduled_messages WHERE status IN ('pending', 'processing') AND id <> 'stranger'"
      )).map(({ id }) => id)
      const looked = yield* erase({ address: mark, dryRun: true })
      assert.sameMembers([...looked.underWay], open)
      const report = yield* erase({ address: mark })
      assert.sameMembers([...report.underWay], open)
      for (const place of ["EVENTS", "DEAD", "MEMORY", "SENDERS", "QUARANTINE"])
        assert.isAbove((report.removed as Places)[place] ?? 0, 0, place)
      const left = (yield* everything).filter((line) => line.includes(mark))
      assert.isAbove(left.length, 0)
      // Only of what has not ended.
      for (const line of left) {
        const [, owner] = /"id":"(m-\d+)"/.exec(line) ?? []
        if (!line.startsWith("{")) assert.include(open, owner, line.slice(0, 80))
      }
      const kept = yield* postgres.query<{ readonly id: string }>(
        "SELECT message_id AS id FROM carillon.message_contents"
      )
      assert.sameMembers(
        kept.map(({ id }) => id),
        [...open, "stranger"]
      )
      const brakes = (yield* everything).find((line) => line.startsWith("SENDERS")) ?? ""
      assert.include(brakes, '"555":2')
      assert.notInclude(brakes, mark)
    })
  )

  it.live("of a recipient finds a further channel that only the tables still know", () =>
    Effect.gen(function* () {
      const { append, erase, everything, manager, projected } = yield* filled
      const fallback = [{ platform: "telegram" as const, recipient: { chatId: "424242" } }]
      const first = { ...scheduled("other-way"), message: { ...messageOf("other-way"), fallback } } as Event
      yield* append([first, dispatched("other-way"), started("other-way"), sent("other-way")])
      yield* projected
      yield* Effect.promise(() => manager.streams.purge("EVENTS"))
      assert.deepInclude(yield* erase({ address: "424242" }), { messages: 1, erased: 1, left: {} })
      assert.notInclude((yield* everything).join("\n"), "424242")
    })
  )

  it.live("is not undone by a rebuild, and nothing of the record is lost, nor with the database", () =>
    Effect.gen(function* () {
      const { again, count, erase, postgres, reader, rows, services, sums } = yield* filled
      yield* erase({ address: mark })
      const before = yield* rows
      const sumsBefore = yield* sums
      yield* again
      assert.deepStrictEqual(yield* rows, before)
      assert.deepStrictEqual(yield* sums, sumsBefore)
      yield* postgres.query("DROP SCHEMA carillon CASCADE")
      yield* Effect.provideContext(migrate("carillon"), services)
      yield* again
      assert.strictEqual(yield* count("message_contents"), before.contents.length)
      // That it was redriven only its removed events said.
      const erased = (before.messages as ReadonlyArray<MessageRow>).filter(
        ({ erasedAt, redrivenAt }) => erasedAt !== null && redrivenAt === 0
      )
      assert.isAbove(erased.length, 10)
      for (const { id, status, erasedAt } of erased) {
        const { message } = Option.getOrThrow(yield* reader.show(id))
        assert.deepInclude(message, { status, erasedAt, metadata: {} })
      }
    })
  )

  it.live("is not undone by what is said of the message afterwards", () =>
    Effect.gen(function* () {
      const { appendCopies, erase, nats, projected, reader } = yield* filled
      yield* erase({ id: "m-5" })
      // A plan that is newer than all that was said before.
      yield* appendCopies([
        rescheduled("m-5", 20_000),
        scheduled("m-5"),
        dispatched("m-5", 7),
        started("m-5", 7),
        attemptFailed("m-5", 7)
      ])
      yield* projected
      const shown = Option.getOrThrow(yield* reader.show("m-5", { contents: true }))
      assert.isUndefined(shown.contents)
      assert.deepStrictEqual(shown.message.metadata, {})
      const report = yield* erase({ id: "m-5" })
      assert.deepInclude(report, { erased: 0, left: {} })
      assert.notInclude(of(yield* everythingStored(nats.url), "m-5").join("\n"), mark)
    })
  )

  it.live("may be interrupted anywhere and started again", () =>
    Effect.gen(function* () {
      const { append, erase, everything, projected } = yield* filled
      for (let stage = 1; ; stage++) {
        const id = `stage-${stage}`
        yield* append([scheduled(id), dispatched(id), started(id), sent(id)])
        yield* projected
        let reached = 0
        const onProgress = () => (++reached === stage ? Effect.interrupt : Effect.void)
        const cut = yield* Effect.exit(erase({ id, onProgress }))
        // Postgres may take a moment to let go of what the interrupted one held.
        const busy = (error: { readonly message: string }) => error.message.includes("under way")
        const report = yield* erase({ id }).pipe(Effect.retry({ while: busy, schedule: Schedule.spaced("50 millis") }))
        assert.deepStrictEqual(report.left, {})
        assert.notInclude(
          of(yield* everything, id)
            .filter((line) => !line.startsWith("{"))
            .join("\n"),
          mark
        )
        if (Exit.isSuccess(cut)) break
      }
    })
  )

  it.live("removes nothing from the log while the ledger has not recorded it", () =>
    Effect.gen(function* () {
      const { append, nats, services } = yield* world
      yield* append([scheduled("m"), dispatched("m"), started("m"), failed("m")])
      const before = yield* everythingStored(nats.url)
      const wish: Wish = { id: "m", dryRun: false, waitMillis: 0, ledgerWaitMillis: 0, onProgress: () => Effect.void }
      const error = yield* Effect.flip(Effect.provideContext(erase(wish), services))
      assert.include(error.message, "4 events behind")
      assert.deepStrictEqual(yield* everythingStored(nats.url), before)
    })
  )

  it.live("looks at nothing where the tables are of another log: what it proved would be of others", () =>
    Effect.gen(function* () {
      const { erase, postgres } = yield* filled
      yield* postgres.query("UPDATE carillon.projection_checkpoints SET stream_created = '2020-01-01T00:00:00.000Z'")
      for (const dryRun of [true, false]) {
        const refused = yield* Effect.flip(erase({ id: "m-2", dryRun, ledgerWaitMillis: 0 }))
        assert.match(String((refused as Error).message), /another event log/)
      }
      const [kept] = yield* postgres.query("SELECT FROM carillon.message_contents WHERE message_id = 'm-2'")
      assert.isDefined(kept)
    })
  )

  it.live("takes away too what a rebuild that was given up, or killed, has left", () =>
    Effect.gen(function* () {
      const { erase, postgres, services } = yield* filled
      const left = postgres.query("SELECT FROM pg_namespace WHERE nspname = 'carillon_rebuild'")
      const givenUp = yield* Effect.forkChild(
        Effect.provideContext(rebuild({ onProgress: () => Effect.never }), services)
      )
      yield* eventually("it has begun", left, ({ length }) => length === 1)
      yield* Fiber.interrupt(givenUp)
      assert.deepStrictEqual(yield* left, [])
      // As one leaves it that was killed.
      yield* postgres.query("CREATE SCHEMA carillon_rebuild")
      yield* postgres.query("CREATE TABLE carillon_rebuild.message_contents AS TABLE carillon.message_contents")
      yield* erase({ id: "m-1", dryRun: true })
      assert.lengthOf(yield* left, 1)
      yield* erase({ id: "m-1" })
      assert.deepStrictEqual(yield* left, [])
    })
  )

  it.live("and a rebuild refuse each other", () =>
    Effect.gen(function* () {
      const { again, erase } = yield* filled
      const began = yield* Deferred.make<void>()
      const onProgress = () => Effect.andThen(Deferred.succeed(began, undefined), Effect.never)
      const first = yield* Effect.forkChild(erase({ id: "m-1", onProgress }))
      yield* Deferred.await(began)
      assert.include((yield* Effect.flip(again)).message, "erasure")
      yield* Fiber.interrupt(first)
    })
  )
})
