// What lets messages go: a message waits for its instant, by a clock that may be set meanwhile; what cannot be sent is
// recorded; and nothing is asked again and again.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { restMillis } from "#shared/contract/Deadline.ts"
import type { EventOf, Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { itsInstant } from "#shared/gateway/sending/Sending.ts"
import { onFailure } from "../../services/dispatcher/Dispatch.ts"
import { attemptOf } from "../support/Attempts.ts"
import { lossyProxy } from "../support/proxies/LossyProxy.ts"
import { maySleep } from "../support/proxies/Slept.ts"
import { atDesk, heldLease } from "./AtDesk.ts"

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

const accepted = Effect.succeed(Outcome.Accepted({ providerMessageId: "1" }))
const toSend = (more: Parameters<typeof attemptOf>[1] = {}, message: Partial<Message> = {}) => {
  const now = Date.now()
  return attemptOf({ dueAt: fromMillis(now), expiresAt: fromMillis(now + 60_000), ...message }, more)
}

describe("a message", () => {
  it.live("of which more parts were sent than it has is refused, and whoever waits behind it is sent", () =>
    Effect.gen(function* () {
      const { put, told } = yield* atDesk(() => [accepted])
      put(toSend({ partsSent: 2 }))
      put(toSend())
      assert.deepInclude(yield* told, { type: "attempt-failed", category: "content", reason: "bad-request" })
      assert.deepInclude(yield* told, { type: "sent" })
    })
  )

  it.live("that could not be sent as it was is told not to have been sent, and comes again at once", () =>
    Effect.gen(function* () {
      const postponed = Outcome.Postponed({ reason: "file-id-forgotten" })
      const { put, told } = yield* atDesk(() => [Effect.succeed(postponed)])
      put(toSend())
      const failed = yield* told
      assert.deepInclude(failed, { type: "attempt-failed", category: "throttled", retryAfterMillis: 0, failures: 0 })
      const policy = { tiers: [], senderWait: 60_000 }
      const next = onFailure(failed as EventOf<"attempt-failed">, policy, Date.now())
      assert.deepInclude(next, { type: "retry-scheduled", attempt: 2, failures: 0, possibleDuplicate: false })
      assert.notProperty(next, "waits")
    })
  )
})

describe("a text that has begun", () => {
  const twoParts = () => [accepted, accepted]
  const late = (millis: number, id = "m") => {
    const now = Date.now()
    return toSend({ partsSent: 1 }, { id, dueAt: fromMillis(now - millis), expiresAt: fromMillis(now - millis) })
  }

  it.live("is sent to its end after its deadline, for some time", () =>
    Effect.gen(function* () {
      const { put, told } = yield* atDesk(twoParts)
      put(late(60_000))
      assert.deepInclude(yield* told, { type: "sent" })
      put(late(restMillis + 1))
      assert.deepInclude(yield* told, { type: "expired", possiblyArrived: true })
    })
  )

  it.live("waits for an operator after its deadline, and is cut by a drop", () =>
    Effect.gen(function* () {
      const { desk, put, told } = yield* atDesk(twoParts)
      desk.allowance.orders = { paused: true }
      put(late(60_000, "begun"))
      put(toSend({}, { id: "other", expiresAt: fromMillis(Date.now() - 1) }))
      assert.deepInclude(yield* told, { type: "expired", id: "other" })
      desk.allowance.orders = { paused: true, dropDueBefore: fromMillis(Date.now()) }
      assert.deepInclude(yield* told, { type: "expired", id: "begun", possiblyArrived: true })
    })
  )
})

describe("a message that its platform does not let go", () => {
  const refusal = Effect.succeed(Outcome.RejectedSender({ reason: "unauthorized" }))
  const slow = { failures: 1, firstWait: 40_000, longestWait: 40_000 }
  const fallback = [{ platform: "webhook" as const, recipient: { url: "https://clinic.example/" } }]
  const waiting = (id: string, seconds: number, message: Parameters<typeof toSend>[1] = {}) =>
    toSend({}, { id, expiresAt: fromMillis(Date.now() + seconds * 1_000), ...message })

  it.live("for half of its time goes back, if it has another channel, and waits on if it has none", () =>
    Effect.gen(function* () {
      const { desk, put, told } = yield* atDesk(() => [refusal], { circuit: slow })
      put(toSend())
      assert.deepInclude(yield* told, { type: "attempt-failed", category: "sender" })
      put(waiting("waits", 60))
      put(waiting("has-time", 600, { fallback }))
      put(waiting("goes-back", 60, { fallback }))
      const event = (yield* told) as EventOf<"attempt-failed">
      assert.deepInclude(event, { type: "attempt-failed", category: "throttled", reason: "held", failures: 0 })
      assert.strictEqual(event.message.id, "goes-back")
      assert.approximately(event.retryAfterMillis ?? 0, 39_000, 1_500)
      assert.strictEqual(desk.turns.waitingFor("1"), 2)
    })
  )

  it.live("stays where an operator holds it", () =>
    Effect.gen(function* () {
      const { desk, put, told } = yield* atDesk(() => [refusal], { circuit: slow })
      put(toSend())
      yield* told
      desk.allowance.orders = { paused: true }
      put(waiting("stays", 60, { fallback }))
      put(waiting("expires", 0))
      assert.deepInclude(yield* told, { type: "expired", id: "expires" })
      assert.strictEqual(desk.turns.waitingFor("1"), 1)
    })
  )
})

describe("a sender that is paused while NATS stores no intents", () => {
  it.live("sends nothing of what it had begun: it is told not to have been sent", () =>
    Effect.gen(function* () {
      const sleep = yield* maySleep
      let calls = 0
      const call = Effect.tap(accepted, () => Effect.sync(() => calls++))
      const { order, put, told } = yield* atDesk(() => [call], {
        through: (url) =>
          lossyProxy(url, (subject) => {
            if (subject.startsWith("carillon.event.send-started.")) sleep(4_000)
            return false
          })
      })
      yield* order({ paused: true })
      put(toSend())
      assert.deepInclude(yield* told, { type: "attempt-failed", category: "throttled", reason: "paused", failures: 0 })
      assert.strictEqual(calls, 0)
    })
  )
})

describe("a gateway that is not sure of its lease", () => {
  it.live("looks at it a few times a second, and sends when it is", () =>
    Effect.gen(function* () {
      let sure = false
      let asked = 0
      const holds = () => {
        asked++
        return sure
      }
      const { put, told } = yield* atDesk(() => [accepted], { lease: { ...heldLease, holds } })
      put(toSend())
      yield* Effect.sleep(500)
      assert.isBelow(asked, 50)
      sure = true
      assert.deepInclude(yield* told, { type: "sent" })
    })
  )
})
