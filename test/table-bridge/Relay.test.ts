// The relay of the outbox: killed, doubled, cut off from NATS. Every command arrives, those of a message in their order,
// and what is refused is told.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { advance, startingPoint } from "../../services/table-bridge/outcomes/Checkpoint.ts"
import { relay } from "../../services/table-bridge/Relay.ts"
import { eventually } from "../support/Carillon.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, forgetDuplicates, streamCount } from "../support/Streams.ts"
import { inHours, outboxWorld, servicesOf } from "./World.ts"

const waiting = "SELECT count(*)::int AS n FROM carillon_outbox.commands"

describe("the relay", () => {
  it.live(
    "takes a command away only when NATS has it, and publishes it once though it was interrupted in between",
    () =>
      Effect.gen(function* () {
        const { database, inside, nats, publisher } = yield* outboxWorld
        yield* database.query("SELECT carillon.schedule_message('m', '4711', 'Hello', $1)", [inHours(1)])
        const dying = Publisher.of({
          ...publisher,
          publish: (messages) => Effect.andThen(publisher.publish(messages), Effect.die(new Error("killed here")))
        })
        yield* Effect.exit(inside(Effect.provideService(relay(), Publisher, dying)))
        assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 1)
        assert.deepStrictEqual(yield* database.query(waiting), [{ n: 1 }])
        assert.strictEqual(yield* inside(relay()), 1)
        assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 1)
        assert.deepStrictEqual(yield* database.query(waiting), [{ n: 0 }])
        const [published] = yield* database.query("SELECT * FROM carillon_outbox.published")
        assert.deepInclude(published, { message_id: "m", name: "schedule" })
        assert.notInclude(JSON.stringify(published), "Hello")
      })
  )

  it.live("leads to one message though it repeats itself after NATS has forgotten", () =>
    Effect.gen(function* () {
      const { database, environment, inside, nats, publisher } = yield* outboxWorld
      const scheduler = yield* hostedService("scheduler", environment)
      yield* scheduler.start
      yield* database.query("SELECT carillon.schedule_message('m', '4711', 'Hello', $1)", [inHours(1)])
      const dying = Publisher.of({
        ...publisher,
        publish: (messages) => Effect.andThen(publisher.publish(messages), Effect.die(new Error("killed here")))
      })
      yield* forgetDuplicates(nats.url)
      yield* Effect.exit(inside(Effect.provideService(relay(), Publisher, dying)))
      const scheduled = eventsOf(nats.url, "carillon.event.scheduled.>")
      yield* eventually("scheduled", scheduled, (events) => events.length === 1)
      yield* eventually("forgotten", Effect.andThen(inside(relay()), streamCount(nats.url, "COMMANDS")), (n) => n === 0)
      yield* database.query("SELECT carillon.cancel_message('m')")
      yield* inside(relay())
      yield* eventually("cancelled", eventsOf(nats.url, "carillon.event.cancelled.*"), (events) => events.length === 1)
      assert.lengthOf(yield* scheduled, 1)
      assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rejected.*"), 0)
    })
  )

  it.live("keeps the order of each message with several relays at work", () =>
    Effect.gen(function* () {
      const { database, nats, publisher, inside } = yield* outboxWorld
      // Three commands of each of 600 messages, more than a batch, all waiting.
      for (const call of [
        "schedule_message('m-' || n, '1', 'x', $1)",
        "reschedule_message('m-' || n, $1)",
        "cancel_message('m-' || n)"
      ])
        yield* database.query(
          `SELECT carillon.${call} FROM generate_series(1, 600) n ${call.includes("$1") ? "" : "WHERE $1::text <> ''"}`,
          [inHours(1)]
        )
      const seen: Array<string> = []
      const noting = Publisher.of({
        ...publisher,
        publish: (messages) =>
          Effect.tap(publisher.publish(messages), () =>
            Effect.sync(() => {
              for (const { subject, payload } of messages)
                seen.push(`${(JSON.parse(String(payload)) as { id: string }).id} ${subject}`)
            })
          )
      })
      const another = yield* servicesOf(nats, database)
      const until = <R>(work: Effect.Effect<number, unknown, R>) => Effect.repeat(work, { until: (n) => n === 0 })
      const working = [inside, <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, another)].map(
        (within) => Effect.forkChild(within(until(Effect.provideService(relay(), Publisher, noting))))
      )
      for (const fiber of yield* Effect.all(working)) yield* Fiber.join(fiber)
      yield* until(inside(Effect.provideService(relay(), Publisher, noting)))
      assert.lengthOf(seen, 1_800)
      for (let n = 1; n <= 600; n++) {
        const of = seen.filter((one) => one.startsWith(`m-${n} `)).map((one) => one.split(".").at(-1))
        assert.deepStrictEqual(of, ["schedule", "reschedule", "cancel"])
      }
    })
  )

  it.live(
    "leaves a message's next command alone until the one before is gone for good, whoever has that one in hand",
    () =>
      Effect.gen(function* () {
        const { database, inside, nats, publisher } = yield* outboxWorld
        const held = yield* Deferred.make<void>()
        const publishing = yield* Deferred.make<void>()
        const slow = Publisher.of({
          ...publisher,
          publish: (messages) =>
            Deferred.succeed(publishing, undefined).pipe(
              Effect.andThen(Deferred.await(held)),
              Effect.andThen(publisher.publish(messages))
            )
        })
        yield* database.query("SELECT carillon.schedule_message('m', '1', 'x', $1)", [inHours(1)])
        const one = yield* Effect.forkChild(inside(Effect.provideService(relay(), Publisher, slow)))
        yield* Deferred.await(publishing)
        yield* database.query("SELECT carillon.reschedule_message('m', $1), carillon.cancel_message('m')", [inHours(2)])
        assert.strictEqual(yield* inside(relay()), 0)
        yield* Deferred.succeed(held, undefined)
        assert.strictEqual(yield* Fiber.join(one), 1)
        assert.strictEqual(yield* inside(relay()), 1)
        assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 2)
        assert.strictEqual(yield* inside(relay()), 1)
      })
  )

  it.live(
    "was asleep with what it had claimed, and publishes none of it: another may have sent later changes since",
    () =>
      Effect.gen(function* () {
        const { database, inside, nats, postgres } = yield* outboxWorld
        yield* database.query("SELECT carillon.schedule_message('m', '1', 'x', $1)", [inHours(1)])
        const clock = yield* Clock.Clock
        let asleepMillis = 0
        const later: Clock.Clock = Object.assign(Object.create(clock), {
          currentTimeMillisUnsafe: () => Date.now() + asleepMillis,
          currentTimeMillis: Effect.sync(() => Date.now() + asleepMillis)
        })
        /** Of this one each answer is read only when something has happened. */
        const relaying = (meanwhile: (sql: string) => Effect.Effect<unknown>) => {
          const transaction: Postgres["Service"]["transaction"] = (body) =>
            postgres.transaction((query) =>
              body(
                Object.assign(
                  ((sql: string, values?: ReadonlyArray<unknown>) =>
                    Effect.tap(query(sql, values), () => meanwhile(sql))) as typeof query,
                  { copy: query.copy }
                )
              )
            )
          return inside(relay().pipe(Effect.provideService(Postgres, Postgres.of({ ...postgres, transaction })))).pipe(
            Effect.provideService(Clock.Clock, later)
          )
        }
        // As Postgres does with whoever says nothing for a minute.
        const end = database.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        )
        const ended = yield* Effect.exit(relaying((sql) => (sql.includes("SKIP LOCKED") ? end : Effect.void)))
        assert.isTrue(Exit.isFailure(ended))
        yield* Effect.exit(relaying(() => Effect.sync(() => (asleepMillis += 60_000))))
        assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 0)
        assert.strictEqual(yield* inside(relay()), 1)
      })
  )

  it.live("goes on when NATS comes back, and loses nothing", () =>
    Effect.gen(function* () {
      const { database, environment, nats } = yield* outboxWorld
      const bridge = yield* hostedService("table-bridge", environment)
      yield* bridge.start
      yield* nats.kill9
      yield* database.query("SELECT carillon.schedule_message('m-' || n, '1', 'x', $1) FROM generate_series(1, 50) n", [
        inHours(1)
      ])
      yield* eventually("says that it waits", Effect.sync(bridge.output), (text) => text.includes("the outbox waits"))
      yield* nats.start
      yield* eventually("published", database.query(waiting), ([row]) => row?.n === 0)
      assert.strictEqual(yield* streamCount(nats.url, "COMMANDS"), 50)
      assert.strictEqual(yield* bridge.stop, 0)
    })
  )

  it.live("fails with NatsError, and leaves the outbox as it is, when NATS does not store", () =>
    Effect.gen(function* () {
      const { database, inside } = yield* outboxWorld
      yield* database.query("SELECT carillon.schedule_message('m', '1', 'x', now())")
      const failing = Layer.succeed(
        Publisher,
        Publisher.of({
          publish: () => Effect.fail(new NatsError({ operation: "publish", cause: new Error("no") })),
          put: () => Effect.fail(new NatsError({ operation: "publish", cause: new Error("no") })),
          append: () => Effect.void
        })
      )
      const error = yield* Effect.flip(inside(Effect.provide(relay(), failing)))
      assert.strictEqual((error as NatsError)._tag, "NatsError")
      assert.deepStrictEqual(yield* database.query(waiting), [{ n: 1 }])
    })
  )

  it.live("has what the scheduler refuses of it told in carillon.refusals, and nothing of others", () =>
    Effect.gen(function* () {
      const { database, environment, nats } = yield* outboxWorld
      const scheduler = yield* hostedService("scheduler", environment)
      const bridge = yield* hostedService("table-bridge", environment)
      yield* Effect.all([scheduler.start, bridge.start], { concurrency: "unbounded" })
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.cancel", payload: '{"id":"of-others"}' },
        { subject: "carillon.command.schedule", payload: '{"id":"m","platform":"telegram"}' }
      ])
      yield* eventually("refused", eventsOf(nats.url, "carillon.event.rejected.*"), (events) => events.length === 2)
      yield* database.query("SELECT carillon.cancel_message('never-scheduled')")
      yield* eventually("told", database.query("SELECT * FROM carillon.refusals"), (rows) => rows.length === 1)
      const [told] = yield* database.query("SELECT message_id, command, problems FROM carillon.refusals")
      assert.deepStrictEqual(told as unknown, {
        message_id: "never-scheduled",
        command: "cancel",
        problems: [{ path: "id", problem: "is unknown: no message with this id was scheduled" }]
      })
    })
  )
})

describe("the event log", () => {
  it.live("is read on from where it was read up to, and from its beginning when it was put back to before that", () =>
    Effect.gen(function* () {
      const { inside, nats, postgres } = yield* outboxWorld
      const start = inside(startingPoint(postgres.query, "outbox"))
      const beginning = yield* start
      assert.strictEqual(beginning.sequence, 0)
      yield* publishPlainly(nats.url, [{ subject: "carillon.event.unheard-of.telegram", payload: "{}" }])
      yield* eventually("stored", streamCount(nats.url, "EVENTS"), (count) => count === 1)
      const read = yield* advance(postgres.query, "outbox", beginning, 1)
      assert.deepStrictEqual(yield* start, read)
      yield* advance(postgres.query, "outbox", read, 2)
      assert.deepStrictEqual(yield* start, beginning)
      assert.deepStrictEqual(yield* start, beginning)
    })
  )
})
