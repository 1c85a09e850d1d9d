// What may be sent now: exact limits, brakes that ease off, a circuit that opens and closes, orders of operators.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Allowance } from "#shared/gateway/limits/Allowance.ts"
import { Brakes } from "#shared/gateway/limits/Brakes.ts"
import { afterOutcome, allowance, type Circuit, closed, probing } from "#shared/gateway/limits/Circuit.ts"
import { Windows } from "#shared/gateway/limits/Windows.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { attemptOf } from "../support/Attempts.ts"

const accepted = Outcome.Accepted({ providerMessageId: "1" })
const circuitPolicy = { failures: 3, firstWait: 10_000, longestWait: 30_000 }

describe("a limit", () => {
  it("is kept in every window at the platform's side, however long each request takes to get there", () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 400 }), takes: fc.integer({ min: 0, max: 1_500 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), fc.gen(), (count, steps, gen) => {
        const limit = { key: "a", count, millis: 1_000 }
        const windows = new Windows()
        const arrivals: Array<number> = []
        let underWay: Array<{ readonly endsAt: number }> = []
        let now = 0
        for (const { wait, takes } of steps) {
          now += wait
          for (const { endsAt } of underWay.filter(({ endsAt }) => endsAt <= now)) windows.end(limit, endsAt)
          underWay = underWay.filter(({ endsAt }) => endsAt > now)
          if (windows.free(limit, now) <= 0) continue
          windows.begin(limit)
          underWay.push({ endsAt: now + takes })
          arrivals.push(now + gen(() => fc.integer({ min: 0, max: takes })))
        }
        for (const from of arrivals)
          assert.isAtMost(arrivals.filter((at) => at >= from && at < from + 1_000).length, count)
      })
    )
  })

  it("says when the next may begin, unless that hangs on one under way", () => {
    const windows = new Windows()
    const limit = { key: "a", count: 2, millis: 1_000 }
    windows.begin(limit)
    assert.strictEqual(windows.freeAt(limit, 100), 100)
    windows.begin(limit)
    assert.isUndefined(windows.freeAt(limit, 100))
    windows.end(limit, 300)
    assert.strictEqual(windows.freeAt(limit, 300), 1_300)
    assert.strictEqual(windows.free(limit, 1_300), 1)
  })

  it("is forgotten when it limits nothing any more", () => {
    const windows = new Windows()
    windows.begin({ key: "a", count: 1, millis: 1_000 })
    windows.end({ key: "a", count: 1, millis: 1_000 }, 10)
    windows.tidy(500)
    assert.isTrue(windows.counts("a"))
    windows.tidy(1_010)
    assert.isFalse(windows.counts("a"))
  })
})

describe("a brake", () => {
  it("holds one recipient as told, and the sender only briefly", () => {
    const brakes = new Brakes(20)
    brakes.throttled("recipient", "a", 7_000, 0)
    assert.strictEqual(brakes.recipientUntil("a"), 7_000)
    assert.strictEqual(brakes.senderUntil, 1_000)
    assert.strictEqual(brakes.recipientUntil("b"), 0)
  })

  it("halves the rate, which then recovers gradually", () => {
    const brakes = new Brakes(20)
    brakes.throttled("sender", "a", 1_000, 0)
    assert.strictEqual(brakes.rate(0), 10)
    assert.isAbove(brakes.rate(5_000), 10)
    assert.isBelow(brakes.rate(5_000), 20)
    assert.strictEqual(brakes.rate(60_000), 20)
  })

  it("takes a burst of refusals for one", () => {
    const brakes = new Brakes(20)
    for (const at of [0, 10, 20, 30]) brakes.throttled("sender", "a", 1_000, at)
    assert.isAtLeast(brakes.rate(30), 10)
    brakes.throttled("sender", "a", 1_000, 2_000)
    assert.isBelow(brakes.rate(2_000), 7)
  })

  it("survives its gateway", () => {
    const brakes = new Brakes(20)
    brakes.throttled("sender", "a", 60_000, 0)
    const next = new Brakes(20, JSON.parse(JSON.stringify(brakes.state(1_000))))
    assert.strictEqual(next.senderUntil, 60_000)
    assert.strictEqual(next.rate(1_000), brakes.rate(1_000))
  })
})

describe("recipients that are held", () => {
  it("are remembered for a next gateway as far as a message of NATS has room, those that are held for longest", () => {
    const brakes = new Brakes(0)
    const name = (n: number) => `${n}/`.padEnd(1_000, "ü")
    for (let n = 0; n < 1_100; n++) brakes.hold(name(n), 10_000 + ((n * 7) % 1_100), 0)
    const state = brakes.state(1)
    assert.isBelow(Buffer.byteLength(JSON.stringify(state)), 1_000_000)
    const kept = Object.values(state.recipientsUntil)
    assert.isAbove(kept.length, 50)
    assert.strictEqual(Math.min(...kept), 10_000 + 1_100 - kept.length)
    assert.isTrue([...Array(1_100).keys()].every((n) => brakes.recipientUntil(name(n)) > 0))
  })

  it("are forgotten when that is over, as soon as another is held", () => {
    const brakes = new Brakes(0)
    brakes.hold("a", 1_000, 0)
    brakes.hold("b", 3_000, 0)
    brakes.hold("c", 3_000, 2_000)
    assert.deepStrictEqual(
      ["a", "b", "c"].map((one) => brakes.recipientUntil(one)),
      [0, 3_000, 3_000]
    )
  })
})

describe("a circuit", () => {
  it("stays as it is for what is no word of the platform: by our own choice, or for a store of ours", () => {
    const noWords = [
      Outcome.Transient({ reason: "lease-lost" }),
      Outcome.Transient({ reason: "store-unreachable" }),
      Outcome.RejectedContent({ reason: "file-missing" }),
      Outcome.RejectedRecipient({ reason: "opted-out" })
    ]
    const probed: Circuit = { ...closed, state: "half-open", openings: 2, failures: 5 }
    for (const circuit of [closed, { ...closed, failures: 2 }, probed])
      for (const outcome of noWords) {
        const many = Array.from({ length: 20 }).reduce<Circuit>(
          (now) => afterOutcome(now, outcome, 0, circuitPolicy),
          circuit
        )
        assert.deepStrictEqual(many, circuit)
      }
  })

  const fail = (circuit: Circuit, now: number) =>
    afterOutcome(circuit, Outcome.Transient({ reason: "connection-refused" }), now, circuitPolicy)

  it("opens at once when the platform refuses the sender", () => {
    const opened = afterOutcome(closed, Outcome.RejectedSender({ reason: "unauthorized" }), 5, circuitPolicy)
    assert.deepInclude(opened, { state: "open", probeAt: 10_005, reason: "unauthorized" })
  })
  it("opens after failures in a row, and not after as many with an answer in between", () => {
    assert.strictEqual(fail(fail(fail(closed, 0), 0), 0).state, "open")
    const between = afterOutcome(fail(fail(closed, 0), 0), accepted, 0, circuitPolicy)
    assert.strictEqual(fail(fail(between, 0), 0).state, "closed")
  })
  it("is not opened by refusals that are about one message", () => {
    for (const outcome of [
      Outcome.RejectedContent({ reason: "bad-request" }),
      Outcome.RejectedRecipient({ reason: "bot-blocked" }),
      Outcome.Throttled({ retryAfterMs: 1, scope: "sender" }),
      // An album with an image that the platform cannot fetch.
      Outcome.Unknown({ reason: "partly-sent" })
    ])
      assert.strictEqual(afterOutcome({ ...closed, failures: 2 }, outcome, 0, circuitPolicy).state, "closed")
  })
  it("lets one probe through when its time has come, and no second", () => {
    const open = fail(fail(fail(closed, 0), 0), 0)
    assert.strictEqual(allowance(open, 9_999, 0), 0)
    assert.strictEqual(allowance(open, 10_000, 1), 0)
    assert.strictEqual(allowance(open, 10_000, 0), 1)
    assert.strictEqual(allowance(probing(open), 10_000, 1), 0)
  })
  it("closes when the probe is answered; else it stays open for longer each time, up to the longest", () => {
    const open = fail(fail(fail(closed, 0), 0), 0)
    assert.deepStrictEqual(afterOutcome(probing(open), accepted, 10_000, circuitPolicy), closed)
    const second = fail(probing(open), 10_000)
    assert.strictEqual(second.probeAt, 30_000)
    assert.strictEqual(fail(probing(second), 30_000).probeAt, 60_000)
    assert.strictEqual(fail(probing(fail(probing(second), 30_000)), 60_000).probeAt, 90_000)
  })
})

describe("what may be sent", () => {
  const limits = { connections: 3, perSecond: 10, recipientLimit: () => ({ count: 1, millis: 1_000 }) }
  const know = (one: Allowance, chatId: string) => one.know({ recipient: { chatId } })

  it("is bounded by connections, and freed as sends end", () => {
    const may = new Allowance(limits, circuitPolicy)
    const ends = ["a", "b", "c"].map((to) => may.begin(know(may, to), 0))
    assert.strictEqual(may.slots(0), 0)
    ends[0]?.(accepted, 1)
    assert.strictEqual(may.slots(1), 1)
  })

  it("is one at a time to a recipient, at its pace", () => {
    const may = new Allowance(limits, circuitPolicy)
    const end = may.begin(know(may, "a"), 0)
    assert.strictEqual(may.recipientAt("a", 0), Number.POSITIVE_INFINITY)
    end(accepted, 40)
    assert.strictEqual(may.recipientAt("a", 40), 1_040)
    assert.strictEqual(may.recipientAt(know(may, "b"), 40), 40)
  })

  it("is nothing while an operator holds it, and less while let go slowly", () => {
    const may = new Allowance({ ...limits, connections: 100 }, circuitPolicy)
    may.orders = { paused: true }
    assert.strictEqual(may.slots(0), 0)
    assert.isUndefined(may.slotsAt(0))
    may.orders = { paused: false, perSecond: 2 }
    assert.strictEqual(may.slots(0), 2)
    may.orders = { paused: false, perSecond: 0.5 }
    may.begin(know(may, "a"), 0)(accepted, 0)
    assert.strictEqual(may.slots(1_500), 0)
    assert.strictEqual(may.slotsAt(1_500), 2_000)
  })

  it("keeps its count when the limit changes while sends are under way", () => {
    const may = new Allowance({ ...limits, connections: 100, perSecond: 0 }, circuitPolicy)
    const before = may.begin(know(may, "a"), 0)
    may.orders = { paused: false, perSecond: 1 }
    const during = may.begin(know(may, "b"), 0)
    may.orders = { paused: false }
    before(accepted, 10)
    during(accepted, 10)
    may.orders = { paused: false, perSecond: 1 }
    assert.strictEqual(may.slots(1_010), 1)
    assert.strictEqual(may.sending, 0)
  })

  it("is not asked about again while a circuit waits for a send that is under way: its end will tell", () => {
    const may = new Allowance({ ...limits, connections: 100 }, { ...circuitPolicy, failures: 1 })
    const older = may.begin(know(may, "a"), 0)
    may.begin(know(may, "b"), 0)(Outcome.Transient({ reason: "connection-refused" }), 0)
    assert.deepStrictEqual([may.circuit.state, may.slots(20_000), may.slotsAt(20_000)], ["open", 0, undefined])
    older(Outcome.Transient({ reason: "lease-lost" }), 20_000)
    assert.deepStrictEqual([may.slots(20_000), may.slotsAt(20_000)], [1, 20_000])
    const probe = may.begin(know(may, "c"), 20_000)
    assert.deepStrictEqual([may.circuit.state, may.slots(20_001), may.slotsAt(20_001)], ["half-open", 0, undefined])
    probe(accepted, 20_010)
    assert.strictEqual(may.slotsAt(20_010), 20_010)
  })

  it("counts what an earlier gateway sent", () => {
    const may = new Allowance(limits, circuitPolicy)
    for (let n = 0; n < 10; n++) may.sentBefore(know(may, String(n)), 500)
    assert.strictEqual(may.slots(1_000), 0)
    assert.strictEqual(may.recipientAt("3", 1_000), 1_500)
    assert.strictEqual(may.slots(1_500), 3)
  })

  it("expires what an operator dropped", () => {
    const may = new Allowance(limits, circuitPolicy)
    const due = (dueAt: number) => {
      const message = { dueAt: fromMillis(dueAt), expiresAt: fromMillis(9_000) }
      return { attempt: attemptOf(message), dueAt, partsSent: 0 }
    }
    assert.isFalse(may.tooLate(due(1_000), 9_000))
    assert.isTrue(may.tooLate(due(1_000), 9_001))
    may.orders = { paused: false, dropDueBefore: new Date(2_000).toISOString() }
    assert.isTrue(may.tooLate(due(1_000), 5_000))
    assert.isFalse(may.tooLate(due(2_000), 5_000))
  })
})
