// The dispatcher's rules: what follows from a timer that fired, and from an attempt that failed.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { restMillis } from "#shared/contract/Deadline.ts"
import { type Attempt, Event, type EventOf } from "#shared/contract/Events.ts"
import type { ErrorCategory } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { backoff, deadLetter, onDue, onFailure, type RetryPolicy } from "../../services/dispatcher/Dispatch.ts"
import { attemptOf } from "../support/Attempts.ts"

const dueAt = Date.parse("2026-12-01T09:00:00Z")
const expiresAt = dueAt + 3_600_000

const due = (more: Partial<Attempt> = {}, message: Partial<Attempt["message"]> = {}): Attempt =>
  attemptOf({ dueAt: fromMillis(dueAt), expiresAt: fromMillis(expiresAt), ...message }, more)

const now = dueAt + 500
const tiers = [
  { attempts: 2, seconds: 1 },
  { attempts: 2, seconds: 60 }
]
const policy: RetryPolicy = { tiers, senderWait: 30_000 }
/** Waits that soon overshoot any deadline, and more tries than there is time for. */
const longTiers = [
  { attempts: 4, seconds: 60 },
  { attempts: 96, seconds: 3_600 }
]

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
  it("for its rate waits as told, and uses up no attempt", () => {
    const event = onFailure(failed("throttled", due({ failures: 2 }), { retryAfterMillis: 7_000 }), policy, now)
    assert.deepInclude(event, { type: "retry-scheduled", attempt: 2, failures: 2, possibleDuplicate: false })
    assert.strictEqual(waitOf(event, now), 7_000)
  })
  /** The waits of a message that is refused for its rate at every try, until there is no other. */
  const waitsOf = (until: number, reason = "throttled") => {
    const waits: Array<number> = []
    let attempt = due({}, { expiresAt: fromMillis(until) })
    for (let at = now; waits.length < 100_000; ) {
      const event = onFailure({ ...failed("throttled", attempt, { retryAfterMillis: 1_000 }), reason }, policy, at)
      if (event.type !== "retry-scheduled") break
      waits.push(waitOf(event, at))
      const { message, failures, sendAt, possibleDuplicate, waits: waited } = event
      attempt = {
        message,
        attempt: event.attempt,
        failures,
        sendAt,
        possibleDuplicate,
        ...(waited ? { waits: waited } : {})
      }
      at = toMillis(sendAt)
    }
    return waits
  }
  it("for its rate at every try waits as told some times, then longer each time, up to an hour", () => {
    const waits = waitsOf(now + 30 * 86_400_000)
    assert.deepStrictEqual(waits.slice(0, 7), [1_000, 1_000, 1_000, 1_000, 2_000, 4_000, 8_000])
    assert.strictEqual(Math.max(...waits), 3_600_000)
    assert.isBelow(waits.length, 32 * 24)
  })
  it("for its rate until its deadline is tried near it as well", () => {
    const waits = waitsOf(expiresAt)
    assert.isAbove(
      waits.reduce((sum, one) => sum + one, now),
      expiresAt - 3_000
    )
    assert.isBelow(waits.length, 40)
  })
  it("before it was its turn, by our own count, does not wait for longer", () => {
    assert.deepStrictEqual([...new Set(waitsOf(now + 60_000, "waits-for-its-turn"))], [1_000])
  })
  it("for its rate waits as told again on its next channel", () => {
    const fallback = [{ platform: "telegram" as const, recipient: { chatId: "2" } }]
    assert.notProperty(onFailure(failed("content", due({ waits: 9 }, { fallback })), policy, now), "waits")
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
    assert.deepInclude(onFailure(failed("transient", due({ attempt: 5, failures: 4 })), policy, now), {
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
  it("after parts of it were sent goes on with the next, or on another channel whole, as a possible duplicate", () => {
    const partly = due({ partsSent: 1 })
    assert.deepInclude(onFailure(failed("transient", partly), policy, now), { possibleDuplicate: false, partsSent: 1 })
    const fallback = [{ platform: "telegram" as const, recipient: { chatId: "2" } }]
    const moved = onFailure(failed("recipient", due({ partsSent: 1 }, { fallback })), policy, now)
    assert.deepInclude(moved, { type: "fell-back", possibleDuplicate: true })
    assert.notProperty(moved, "partsSent")
  })
  it("after parts of it were sent may send the rest for some time after its deadline, and no longer", () => {
    const partly = due({ partsSent: 1 })
    assert.strictEqual(onDue(partly, expiresAt + restMillis).type, "dispatched")
    assert.strictEqual(onDue(partly, expiresAt + restMillis + 1).type, "expired")
    const at = (seconds: number) =>
      onFailure(failed("throttled", partly, { retryAfterMillis: seconds * 1_000 }), policy, expiresAt)
    assert.deepInclude(at(600), { type: "retry-scheduled", partsSent: 1 })
    assert.strictEqual(at(601).type, "expired")
    const fallback = [{ platform: "telegram" as const, recipient: { chatId: "2" } }]
    const late = failed("throttled", due({ partsSent: 1 }, { fallback }), { retryAfterMillis: 601_000 })
    assert.strictEqual(onFailure(late, policy, expiresAt).type, "expired", "no other channel may send it any more")
  })
  it("for good says that an earlier try may have arrived, and only then", () => {
    const last = due({ attempt: 5, failures: 4 })
    const ends = (attempt: Attempt): ReadonlyArray<Event> => [
      onFailure(failed("transient", attempt), policy, now),
      onFailure(failed("content", attempt), policy, now),
      onFailure(failed("throttled", attempt, { retryAfterMillis: 7_200_000 }), policy, now),
      onDue(attempt, expiresAt + restMillis + 1)
    ]
    for (const event of ends(last)) assert.notProperty(event, "possiblyArrived")
    for (const tried of [{ possibleDuplicate: true }, { partsSent: 1 }])
      for (const event of ends({ ...last, ...tried })) assert.propertyVal(event, "possiblyArrived", true)
    assert.deepInclude(onFailure(failed("unknown", last), policy, now), { type: "failed", possiblyArrived: true })
  })
  it("in the middle of which its gateway was lost is in doubt from then on, by whatever way it goes on", () => {
    const lost = { ...failed("unknown", due()), reason: "interrupted" }
    const since = { interruptedSince: lost.sendAt }
    const retried = onFailure(lost, policy, now)
    assert.deepInclude(retried, { type: "retry-scheduled", ...since })
    const throttled = failed("throttled", { ...due({ attempt: 2, sendAt: fromMillis(now) }), ...since })
    assert.deepInclude(onFailure(throttled, policy, now), since)
    const message = {
      ...lost.message,
      retry: [],
      fallback: [{ platform: "telegram" as const, recipient: { chatId: "2" } }]
    }
    assert.deepInclude(onFailure({ ...lost, message }, policy, now), { type: "fell-back", ...since })
    assert.notProperty(onFailure(failed("unknown", due()), policy, now), "interruptedSince")
  })
  it("whose next try would come after the deadline is expired", () => {
    const event = onFailure(failed("throttled", due(), { retryAfterMillis: 3_600_000 }), policy, now)
    assert.strictEqual(event.type, "expired")
  })
  /** When it was tried last, and what came of that, if it failed at every try: `seconds` of time in all. */
  const lastTry = (category: ErrorCategory, seconds: number, message: Partial<Attempt["message"]> = {}) => {
    let attempt = due({}, { expiresAt: fromMillis(dueAt + seconds * 1_000), retry: longTiers, ...message })
    for (let at = dueAt, tries = 1; ; tries++) {
      const event = onFailure(failed(category, attempt), policy, at)
      if (event.type !== "retry-scheduled") return { at, event, tries }
      const { message, failures, sendAt, possibleDuplicate } = event
      attempt = { message, attempt: event.attempt, failures, sendAt, possibleDuplicate }
      at = toMillis(sendAt)
    }
  }
  const ids = Array.from({ length: 200 }, (_, n) => `m-${n}`)
  for (const [category, most] of [
    ["transient", 101],
    ["sender", 40]
  ] as const) {
    it(`for its ${category === "sender" ? "sender" : "passing trouble"} is tried near its deadline as well, however long the next wait would be`, () => {
      for (const seconds of [40, 600, 3_600])
        for (const id of ids) {
          const { at, event, tries } = lastTry(category, seconds, { id })
          assert.strictEqual(event.type, "expired")
          assert.isAbove(at, dueAt + seconds * 1_000 - 1_000)
          assert.isAtMost(at, dueAt + seconds * 1_000)
          assert.isBelow(tries, most + seconds / 30)
        }
    })
  }
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
  const most = (failures: number) => [1_000, 2_000, 60_000, 120_000][failures - 1] as number
  it("doubles within a tier, goes on to the next, and is never more than that", () => {
    for (const failures of [1, 2, 3, 4]) {
      const waits = Array.from({ length: 200 }, (_, n) => backoff(`m-${n}`, failures, failures, tiers) ?? Number.NaN)
      for (const wait of waits) assert.isTrue(wait >= 0 && wait <= most(failures))
      // Full jitter: spread over the whole wait.
      assert.isBelow(Math.min(...waits), most(failures) * 0.1)
      assert.isAbove(Math.max(...waits), most(failures) * 0.9)
    }
  })
  it("ends when the tries of all tiers are used up", () => {
    assert.isUndefined(backoff("m", 5, 5, tiers))
    assert.isUndefined(backoff("m", 1, 1, []))
  })
})

describe("a message given up on one channel", () => {
  const next = { platform: "telegram", sender: "second", recipient: { chatId: "2" } } as const
  const last = { platform: "telegram", recipient: { chatId: "3" }, content: { type: "text", text: "short" } } as const
  const blocked = (message: Partial<Attempt["message"]>) =>
    onFailure(failed("recipient", due({}, message)), policy, now)

  it("goes on the next one, at once and with fresh attempts", () => {
    const event = blocked({ fallback: [next, last] }) as EventOf<"fell-back">
    assert.deepInclude(event, { type: "fell-back", attempt: 2, failures: 0, sendAt: fromMillis(now) })
    assert.deepInclude(event.message, { ...next, fallback: [last], content: { type: "text", text: "hello" } })
    assert.deepStrictEqual(event.from, { platform: "telegram", sender: "default" })
  })
  it("is not early on it, when it was given up ahead of its time", () => {
    const ahead = failed("recipient", due({}, { fallback: [next] }))
    const event = onFailure(ahead, policy, dueAt - 1_500) as EventOf<"fell-back">
    assert.deepInclude(event, { type: "fell-back", sendAt: fromMillis(dueAt), at: fromMillis(dueAt - 1_500) })
  })
  it("carries the channel's own content, if it has one", () => {
    assert.deepInclude((blocked({ fallback: [last] }) as EventOf<"fell-back">).message, {
      sender: "default",
      content: last.content
    })
  })
  describe("whose next try there would be", () => {
    const minutes = (count: number) => ({ expiresAt: fromMillis(now + count * 60_000) })
    const told = { retryAfterMillis: 6 * 60_000 }
    const slow = [{ attempts: 9, seconds: 86_400 }]
    const waits = (message: Partial<Attempt["message"]>) => [
      onFailure({ ...failed("throttled", due({}, message), told), reason: "throttled" }, policy, now),
      onFailure({ ...failed("throttled", due({}, message), told), reason: "held" }, policy, now),
      onFailure(failed("transient", due({}, { ...message, retry: slow })), policy, now),
      onFailure(failed("sender", due({}, message)), { ...policy, senderWait: 6 * 60_000 }, now)
    ]

    it("after more than half of what is left goes on the next one while there is time, if there is one", () => {
      for (const event of waits({ ...minutes(10), fallback: [next] })) {
        assert.deepInclude(event, { type: "fell-back", sendAt: fromMillis(now) })
        assert.strictEqual((event as EventOf<"fell-back">).message.recipient.chatId, "2")
      }
      for (const event of waits(minutes(10))) assert.strictEqual(event.type, "retry-scheduled")
      for (const event of waits({ fallback: [next], expiresAt: fromMillis(now + 30 * 86_400_000) }))
        assert.strictEqual(event.type, "retry-scheduled")
    })
    it("after its deadline is sent on no other once that is over", () => {
      for (const event of waits({ expiresAt: fromMillis(now - 1), fallback: [next] }))
        assert.strictEqual(event.type, "expired")
    })
    it("when it is its turn among our own goes on the next one only if that is after its deadline", () => {
      const turn = (message: Partial<Attempt["message"]>) =>
        onFailure({ ...failed("throttled", due({}, message), told), reason: "waits-for-its-turn" }, policy, now).type
      assert.strictEqual(turn({ ...minutes(10), fallback: [next] }), "retry-scheduled")
      assert.strictEqual(turn({ ...minutes(5), fallback: [next] }), "fell-back")
      assert.strictEqual(turn(minutes(5)), "expired")
    })
  })
  it("fails when there is no other", () => {
    assert.strictEqual(blocked({ fallback: [] }).type, "failed")
  })
  it("may have arrived there already, when nobody knows what became of it", () => {
    const event = onFailure(failed("unknown", due({ failures: 4 }, { fallback: [next] })), policy, now)
    assert.deepInclude(event, { type: "fell-back", possibleDuplicate: true })
  })
  it("does not go on when it is to be held", () => {
    const held = due({}, { fallback: [next], unknownOutcome: "hold" })
    assert.strictEqual(onFailure(failed("unknown", held), policy, now).type, "unknown")
  })
})

describe("a recipient that moved", () => {
  const moved = (attempt: Partial<Attempt>) =>
    onFailure({ ...failed("recipient", due(attempt)), movedTo: { chatId: "-100" } }, policy, now)

  it("is followed at once, with no attempt used up", () => {
    const event = moved({}) as EventOf<"retry-scheduled">
    assert.deepInclude(event, { type: "retry-scheduled", failures: 0, sendAt: fromMillis(now), moved: true })
    assert.deepStrictEqual(event.message.recipient, { chatId: "-100" })
  })
  it("is followed once", () => {
    assert.strictEqual(moved({ moved: true }).type, "failed")
  })
})

describe("a dead letter", () => {
  const letterOf = (category: ErrorCategory, message: Partial<Attempt["message"]> = {}) => {
    const attempt = failed(category, due({}, message))
    return deadLetter(attempt, onFailure(attempt, policy, now))
  }
  it("is kept of what failed and of what nobody knows, whole", () => {
    const letter = letterOf("content")
    assert.deepInclude(letter, { state: "failed", attempt: 1, category: "content", at: fromMillis(now) })
    assert.deepStrictEqual(Schema.decodeUnknownSync(DeadLetter)(JSON.parse(JSON.stringify(letter))), letter)
    assert.strictEqual(letterOf("unknown", { unknownOutcome: "hold" })?.state, "unknown")
  })
  it("is not kept of what goes on", () => {
    assert.isUndefined(letterOf("transient"))
    assert.isUndefined(
      letterOf("recipient", { fallback: [{ platform: "telegram" as const, recipient: { chatId: "2" } }] })
    )
  })
})
