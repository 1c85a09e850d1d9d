// A message whose intent stands waits for its instant, by a clock that may be set meanwhile.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { itsInstant } from "#shared/gateway/Sending.ts"

const sendAt = 1_000_020

/** Begun 20 ms before its instant. */
const waiting = Effect.gen(function* () {
  yield* TestClock.setTime(1_000_000)
  const clock = yield* Clock.Clock
  let setBy = 0
  const fiber = yield* Effect.forkChild(
    itsInstant({ now: () => clock.currentTimeMillisUnsafe() + setBy }, { sendAt }),
    { startImmediately: true }
  )
  return {
    fiber,
    setClock: (by: number) => {
      setBy = by
    }
  }
})

describe("the instant of a message", () => {
  it.effect("is waited for, and not a millisecond less", () =>
    Effect.gen(function* () {
      const { fiber } = yield* waiting
      yield* TestClock.adjust(19)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isTrue(yield* Fiber.join(fiber))
    })
  )

  it.effect("is waited for longer when the clock was set back a little", () =>
    Effect.gen(function* () {
      const { fiber, setClock } = yield* waiting
      setClock(-10)
      yield* TestClock.adjust(29)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isTrue(yield* Fiber.join(fiber))
    })
  )

  it.effect("does not come when the clock was set back far: the message is put back", () =>
    Effect.gen(function* () {
      const { fiber, setClock } = yield* waiting
      setClock(-3_600_000)
      yield* TestClock.adjust(20)
      assert.isFalse(yield* Fiber.join(fiber))
    })
  )
})
