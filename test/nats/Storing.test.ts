// A service says that NATS does not store for as long as that is so, and not for ever.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { watchStoring } from "#shared/nats/messages/Storing.ts"
import { Readiness } from "#shared/service/Readiness.ts"

const watching = Effect.gen(function* () {
  const readiness = yield* Readiness
  const told = yield* watchStoring(readiness)
  const stores = Effect.map(readiness.report, (checks) => checks.find(({ name }) => name === "nats stores")?.ready)
  return { told, stores }
})

describe("whether NATS stores", () => {
  it.effect("is told by the newest publish of each stream", () =>
    Effect.gen(function* () {
      const { stores, told } = yield* watching
      told("carillon.event.sent.telegram", false)
      told("carillon.sender.telegram.default.lease", true)
      assert.isFalse(yield* stores)
      told("carillon.event.sent.telegram", true)
      assert.isTrue(yield* stores)
    }).pipe(Effect.provide(Readiness.layer))
  )

  it.effect("is not denied for ever by who has nothing more to store", () =>
    Effect.gen(function* () {
      const { stores, told } = yield* watching
      told("carillon.event.sent.telegram", false)
      yield* TestClock.adjust("59 seconds")
      assert.isFalse(yield* stores)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* stores)
    }).pipe(Effect.provide(Readiness.layer))
  )
})
