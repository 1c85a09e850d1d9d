// The read side: what an operator is shown.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Option, Result } from "effect"
import { Readiness } from "#shared/service/Readiness.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { livesOf, mark, refused, rescheduled, scheduled } from "./Histories.ts"
import { world } from "./World.ts"

const filled = Effect.gen(function* () {
  const all = yield* world
  yield* all.append(livesOf("m", 14))
  yield* all.append([scheduled("z"), rescheduled("z", 1_000), refused("typo", "cancel")])
  yield* all.ledger
  yield* all.projected
  return all
})

describe("the reader", () => {
  it.live("shows a message with its attempts and its timeline in order", () =>
    Effect.gen(function* () {
      const { reader } = yield* filled
      const shown = Option.getOrThrow(yield* reader.show("m-2"))
      assert.strictEqual(shown.message.status, "sent")
      assert.deepStrictEqual(
        shown.attempts.map(({ attempt, outcome, reason }) => [attempt, outcome, reason]),
        [
          [1, "failed", "code-1"],
          [2, "sent", null]
        ]
      )
      assert.deepStrictEqual(
        shown.timeline.map(({ type }) => type),
        [
          "scheduled",
          "dispatched",
          "send-started",
          "attempt-failed",
          "retry-scheduled",
          "dispatched",
          "send-started",
          "sent"
        ]
      )
    })
  )

  it.live("gives text and address only when asked", () =>
    Effect.gen(function* () {
      const { reader } = yield* filled
      assert.notInclude(JSON.stringify(yield* reader.show("m-1")), mark)
      const shown = Option.getOrThrow(yield* reader.show("m-1", { contents: true }))
      assert.strictEqual(shown.contents?.recipient.chatId, mark)
    })
  )

  it.live("tells of a refused command where no message came of it", () =>
    Effect.gen(function* () {
      const { reader } = yield* filled
      assert.isTrue(Option.isNone(yield* reader.show("typo")))
      const [only] = yield* reader.timeline("typo")
      assert.deepInclude(only?.detail, { command: "cancel" })
    })
  )

  it.live("lists page by page, each message once, those without a time last", () =>
    Effect.gen(function* () {
      const { reader } = yield* filled
      const whole = yield* reader.list()
      const paged = []
      for (let after = (yield* reader.list({ limit: 2 })).slice(); after.length > 0; ) {
        paged.push(...after)
        const last = after.at(-1)
        after = last ? (yield* reader.list({ limit: 2, after: last })).slice() : []
      }
      assert.deepStrictEqual(paged, [...whole])
      assert.strictEqual(new Set(paged.map(({ id }) => id)).size, 15)
      assert.strictEqual(paged.at(-1)?.dueAt, null)
    })
  )

  it.live("lists by status, platform and time due", () =>
    Effect.gen(function* () {
      const { reader } = yield* filled
      const ids = (rows: ReadonlyArray<{ readonly id: string }>) => rows.map(({ id }) => id)
      assert.deepStrictEqual(ids(yield* reader.list({ status: "sent" })), ["m-1", "m-10", "m-2", "m-9", "m-7"])
      assert.deepStrictEqual(ids(yield* reader.list({ dueFrom: "2026-11-01T09:20:00Z" })), ["z"])
      assert.notInclude(ids(yield* reader.list({ dueTo: "2026-11-01T09:20:00Z" })), "z")
      assert.strictEqual((yield* reader.list({ platform: "telegram" })).length, 14)
    })
  )

  it.live("says how far the projection is", () =>
    Effect.gen(function* () {
      const { log, reader } = yield* filled
      const { last } = yield* log.extent
      assert.strictEqual(Option.getOrThrow(yield* reader.position).sequence, last)
    })
  )

  it.live("fails at once, without the password, when Postgres is not there", () =>
    Effect.gen(function* () {
      const services = yield* Layer.build(Layer.fresh(Reader.layer)).pipe(
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ DATABASE_URL: "postgres://carillon:hunter2@127.0.0.1:1/carillon" })
        ),
        Effect.provide(Readiness.layer)
      )
      const answer = yield* Effect.result(Context.get(services, Reader).list())
      assert.isTrue(Result.isFailure(answer))
      assert.strictEqual(Result.isFailure(answer) && answer.failure._tag, "PostgresError")
      assert.notInclude(JSON.stringify(answer), "hunter2")
    })
  )
})
