// The dispatcher's rules: what follows from a timer that fired, and from an attempt that failed.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Attempt, Event, type EventOf } from "#shared/contract/Events.ts"
import type { ErrorCategory } from "#shared/contract/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"
import { backoff, onDue, onFailure, type RetryPolicy } from "../../services/dispatcher/Dispatch.ts"

const dueAt = Date.parse("2026-12-01T09:00:00Z")
const expiresAt = dueAt + 3_600_000

const due = (more: Partial<Attempt> = {}, message: Partial<Attempt["message"]> = {}): Attempt => ({
  message: {
    id: "m",
    platform: "telegram",
    sender: "default",
    recipient: { chatId: "1" },
    content: { type: "text", text: "hello" },
    dueAt: fromMillis(dueAt),
    expiresAt: fromMillis(expiresAt),
    priority: "normal",
    unknownOutcome: "resend",
    metadata: {},
    ...message
  },
  attempt: 1,
  failures: 0,
  sendAt: fromMillis(dueAt),
  possibleDuplicate: false,
  ...more
})

const policy: RetryPolicy = { maxAttempts: 3, firstWait: 1_000, longestWait: 60_000, senderWait: 30_000 }

const failed = (category: ErrorCategory, attempt: Attempt, more: { retryAfterMillis?: number } = {}) =>
  ({
    type: "attempt-failed",
    at: fromMillis(dueAt),
    ...attempt,
    category,
    reason: "why",
    ...more
  }) satisfies EventOf<"attempt-failed">

const waitOf = (event: Event, now: number) =>
  event.type === "retry-scheduled" ? toMillis(event.sendAt) - now : Number.NaN

describe("a timer that fired", () => {
  it("a little ahead sends the message on its way, to be held until its time", () => {
    const event = onDue(due(), dueAt - 2_000)
    assert.strictEqual(event.type, "dispatched")
  })
  it("late but before the deadline still sends it", () => {
    assert.strictEqual(onDue(due(), expiresAt).type, "dispatched")
  })
  it("after the deadline expires it", () => {
    assert.strictEqual(onDue(due(), expiresAt + 1).type, "expired")
  })
  it("for a time past the deadline expires it, however early it fired", () => {
    assert.strictEqual(onDue(due({ sendAt: fromMillis(expiresAt + 1) }), dueAt).type, "expired")
  })
})

describe("an attempt that failed", () => {
  const now = dueAt + 500

  it("for its rate waits as told, and uses up no attempt", () => {
    const event = onFailure(failed("throttled", due({ failures: 2 }), { retryAfterMillis: 7_000 }), policy, now)
    assert.deepInclude(event, { type: "retry-scheduled", attempt: 2, failures: 2, possibleDuplicate: false })
    assert.strictEqual(waitOf(event, now), 7_000)
  })
  it("for its sender waits, and uses up no attempt", () => {
    const event = onFailure(failed("sender", due({ failures: 2 })), policy, now)
    assert.deepInclude(event, { type: "retry-scheduled", failures: 2 })
    assert.strictEqual(waitOf(event, now), policy.senderWait)
  })
  it("in passing is tried again, and counts", () => {
    assert.deepInclude(onFailure(failed("transient", due()), policy, now), {
      type: "retry-scheduled",
      attempt: 2,
      failures: 1,
      possibleDuplicate: false
    })
  })
  it("in passing for the last allowed time is given up with its reason", () => {
    assert.deepInclude(onFailure(failed("transient", due({ attempt: 5, failures: 2 })), policy, now), {
      type: "failed",
      attempt: 5,
      category: "transient",
      reason: "why"
    })
  })
  for (const category of ["recipient", "content"] as const) {
    it(`for its ${category} is given up at once`, () => {
      assert.deepInclude(onFailure(failed(category, due()), policy, now), { type: "failed", category })
    })
  }
  it("with unknown outcome is sent again as a possible duplicate, if the message says resend", () => {
    assert.deepInclude(onFailure(failed("unknown", due()), policy, now), {
      type: "retry-scheduled",
      possibleDuplicate: true
    })
  })
  it("with unknown outcome is held, if the message says hold", () => {
    assert.strictEqual(onFailure(failed("unknown", due({}, { unknownOutcome: "hold" })), policy, now).type, "unknown")
  })
  it("remembers that an earlier try may have arrived", () => {
    assert.deepInclude(onFailure(failed("throttled", due({ possibleDuplicate: true })), policy, now), {
      possibleDuplicate: true
    })
  })
  it("whose next try would come after the deadline is expired", () => {
    const event = onFailure(failed("throttled", due(), { retryAfterMillis: 3_600_000 }), policy, now)
    assert.strictEqual(event.type, "expired")
  })
  it("decides the same each time it is asked", () => {
    assert.deepStrictEqual(
      onFailure(failed("transient", due()), policy, now),
      onFailure(failed("transient", due()), policy, now)
    )
  })
  it.each(["throttled", "transient", "recipient", "content", "sender", "unknown"] as const)(
    "for %s gives an event of the contract",
    (category) => {
      const event = onFailure(failed(category, due()), policy, now)
      assert.deepStrictEqual(Schema.decodeUnknownSync(Event)(JSON.parse(JSON.stringify(event))), event)
    }
  )
})

describe("backoff", () => {
  it("grows fourfold and stays between nothing and its limit", () => {
    for (let failures = 1; failures < 12; failures++) {
      const most = Math.min(policy.longestWait, policy.firstWait * 4 ** (failures - 1))
      for (let n = 0; n < 50; n++) {
        const wait = backoff(`m-${n}`, failures, failures, policy)
        assert.isAtLeast(wait, 0)
        assert.isAtMost(wait, most)
      }
    }
  })
  it("spreads messages over the whole wait", () => {
    const waits = Array.from({ length: 200 }, (_, n) => backoff(`m-${n}`, 1, 1, policy))
    assert.isBelow(Math.min(...waits), 100)
    assert.isAbove(Math.max(...waits), 900)
  })
})
