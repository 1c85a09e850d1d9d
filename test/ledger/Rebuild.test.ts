// A rebuild on real servers: the same rows again, while those who read see nothing of it.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Schema } from "effect"
import type { Attempt, Event } from "#shared/contract/Events.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import { RebuildRefused, rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { livesOf, messageOf, scheduled, sent } from "./Histories.ts"
import { expected, world } from "./World.ts"

const quietly = { onProgress: () => Effect.void }

const filled = Effect.gen(function* () {
  const all = yield* world
  const events = livesOf("m", 33)
  yield* all.append(events)
  yield* all.ledger
  yield* all.projected
  return { ...all, events, again: Effect.provideContext(rebuild(quietly), all.services) }
})

const spoil =
  "UPDATE carillon.scheduled_messages SET status = 'read', attempts = 77, priority = null WHERE erased_at IS NULL"

describe("a rebuild", () => {
  it.live("gives the same rows, row by row", () =>
    Effect.gen(function* () {
      const { again, postgres, rows } = yield* filled
      const before = yield* rows
      yield* postgres.query(spoil)
      yield* postgres.query(
        "DELETE FROM carillon.message_delivery_attempts USING carillon.scheduled_messages WHERE id = message_id AND erased_at IS NULL"
      )
      yield* again
      assert.deepStrictEqual(yield* rows, before)
    })
  )

  it.live("shows the old rows until it is done, and the ledger goes on by itself", () =>
    Effect.gen(function* () {
      const { append, appendCopies, count, postgres, projected, recorded, rows, services } = yield* filled
      const before = yield* count("scheduled_messages")
      const reachedEnd = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const onProgress = () => Effect.andThen(Deferred.succeed(reachedEnd, undefined), Deferred.await(goOn))
      yield* postgres.query(spoil)
      const rebuilding = yield* Effect.forkChild(Effect.provideContext(rebuild({ onProgress }), services))
      yield* Deferred.await(reachedEnd)
      yield* append([scheduled("meanwhile")])
      yield* appendCopies([sent("meanwhile")])
      yield* projected
      const [seen] = yield* postgres.query("SELECT status, attempts FROM carillon.scheduled_messages WHERE id = 'm-1'")
      assert.deepStrictEqual(seen, { status: "read", attempts: 77 })
      // Once at least: the exchange may be over sooner than a second look.
      const counts = new Set([yield* count("scheduled_messages")])
      const reading = yield* Effect.forkChild(
        Effect.forever(Effect.map(count("scheduled_messages"), (n) => counts.add(n)))
      )
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(rebuilding)
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual([...counts], [before + 1])
      yield* append([scheduled("afterwards")])
      yield* projected
      const { timeline, ...found } = yield* rows
      const log = yield* recorded
      assert.deepStrictEqual(found as unknown, expected(log))
      assert.strictEqual(timeline.length, log.length)
    })
  )

  it.live("keeps what is older than the log, in whole or in part", () =>
    Effect.gen(function* () {
      const { again, events, manager, rows } = yield* filled
      const before = yield* rows
      for (const upTo of [20, 60, 100, events.length]) {
        yield* Effect.promise(() => manager.streams.purge("EVENTS", { seq: upTo + 1 }))
        yield* again
        assert.deepStrictEqual(yield* rows, before, `with the first ${upTo} events gone from the log`)
      }
    })
  )

  it.live("finds what waits for longer than the log is kept by its timers, and takes none of them away", () =>
    Effect.gen(function* () {
      const { again, append, manager, postgres, projected, publish, reader, rows, services, sums } = yield* filled
      const far = (id: string) => ({ ...messageOf(id, "2036-01-01T09:00:00.000Z"), kind: "check-up" })
      const attempt = (id: string): Attempt => ({
        message: far(id),
        attempt: 1,
        failures: 0,
        sendAt: far(id).dueAt,
        possibleDuplicate: false
      })
      const again2 = { ...attempt("second-try"), attempt: 4, failures: 2, sendAt: "2036-01-02T09:00:00.000Z" }
      const timers = [...Array.from({ length: 1_200 }, (_, index) => attempt(`far-${index}`)), again2]
      yield* publish(
        timers.map((one) => ({
          subject: Subject.pending(one.message.id),
          payload: JSON.stringify(one),
          headers: {},
          expectedSequence: 0,
          schedule: { at: one.sendAt, target: Subject.due("telegram") }
        }))
      )
      const known = { ...scheduled("far-0"), message: far("far-0") } as Event
      yield* append([known])
      yield* projected
      const [before] = yield* postgres.query("SELECT * FROM carillon.scheduled_messages WHERE id = 'far-0'")
      yield* postgres.query("DROP SCHEMA carillon CASCADE")
      yield* Effect.provideContext(migrate("carillon"), services)
      const answer = yield* again
      assert.strictEqual(answer.waiting, timers.length - 1)
      const { ofRows, ...found } = yield* sums
      assert.deepStrictEqual(found, ofRows)
      const [after] = yield* postgres.query("SELECT * FROM carillon.scheduled_messages WHERE id = 'far-0'")
      assert.deepStrictEqual(after, before)
      const shown = Option.getOrThrow(yield* reader.show("far-1199", { contents: true }))
      assert.deepInclude(shown.message, { status: "pending", dueAt: far("").dueAt, kind: "check-up", acceptedAt: null })
      assert.deepStrictEqual(shown.contents?.content, far("far-1199").content)
      assert.deepInclude(Option.getOrThrow(yield* reader.show("second-try")).message, {
        status: "processing",
        attempts: 2,
        nextAttemptAt: again2.sendAt
      })
      const { state } = yield* Effect.promise(() => manager.streams.info("TIMERS"))
      assert.strictEqual(state.messages, timers.length)
      const whole = yield* rows
      yield* Effect.promise(() => manager.streams.purge("EVENTS"))
      assert.strictEqual((yield* again).waiting, 0)
      assert.deepStrictEqual(yield* rows, whole)
    })
  )

  it.live("may be interrupted anywhere and started again", () =>
    Effect.gen(function* () {
      const { again, rows, services } = yield* filled
      const before = yield* rows
      const cut = yield* Effect.exit(Effect.provideContext(rebuild({ onProgress: () => Effect.interrupt }), services))
      assert.isTrue(Exit.isFailure(cut))
      assert.deepStrictEqual(yield* rows, before)
      yield* again
      assert.deepStrictEqual(yield* rows, before)
    })
  )

  it.live("refuses to be one of two", () =>
    Effect.gen(function* () {
      const { again, services } = yield* filled
      const began = yield* Deferred.make<void>()
      const onProgress = () => Effect.andThen(Deferred.succeed(began, undefined), Effect.never)
      const first = yield* Effect.forkChild(Effect.provideContext(rebuild({ onProgress }), services))
      yield* Deferred.await(began)
      const error = yield* Effect.flip(again)
      assert.isTrue(Schema.is(RebuildRefused)(error))
      assert.include(error.message, "under way")
      yield* Fiber.interrupt(first)
    })
  )

  it.live("keeps the rights that were granted, and refuses to drop a view", () =>
    Effect.gen(function* () {
      const { again, postgres } = yield* filled
      yield* postgres.query("GRANT SELECT ON carillon.scheduled_messages TO PUBLIC")
      yield* again
      const [granted] = yield* postgres.query<{ readonly acl: string }>(
        "SELECT relacl::text AS acl FROM pg_class WHERE oid = 'carillon.scheduled_messages'::regclass"
      )
      assert.include(granted?.acl, "=r/")
      yield* postgres.query("CREATE VIEW late AS SELECT id FROM carillon.scheduled_messages WHERE sent_at > due_at")
      const error = yield* Effect.flip(again)
      assert.include(error.message, "late")
    })
  )

  it.live("is of use on an empty log and without a ledger ever run", () =>
    Effect.gen(function* () {
      const { count, services } = yield* world
      yield* Effect.provideContext(rebuild(quietly), services)
      assert.strictEqual(yield* count("scheduled_messages"), 0)
    })
  )
})
