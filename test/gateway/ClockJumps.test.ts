// A wall clock that is set while a gateway works: what is measured by it lasts as long as it was to last.
import { assert, describe, it } from "@effect/vitest"
import { Allowance } from "#shared/gateway/limits/Allowance.ts"
import { clockJumps } from "#shared/gateway/limits/ClockJumps.ts"
import { Windows } from "#shared/gateway/limits/Windows.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"

const minutes = 5 * 60_000
const jumps = [
  ["forward", minutes],
  ["back", -minutes]
] as const

describe("a jump of the clock", () => {
  it("is noticed once, by what the clock gained on the one that never jumps", () => {
    const clock = { wall: 1_000_000, steady: 0 }
    const jump = clockJumps(
      () => clock.wall,
      () => clock.steady
    )
    const pass = (steady: number, wall = steady) => {
      clock.steady += steady
      clock.wall += wall
    }
    pass(60_000)
    assert.strictEqual(jump(), 0)
    pass(10, 10 + minutes)
    assert.strictEqual(jump(), minutes)
    assert.strictEqual(jump(), 0)
    pass(10, 10 - 2 * minutes)
    assert.strictEqual(jump(), -2 * minutes)
  })

  it("is none while the clock is put right little by little, and this is not forgotten", () => {
    let [wall, steady] = [0, 0]
    const jump = clockJumps(
      () => wall,
      () => steady
    )
    const found = Array.from({ length: 200 }, () => {
      steady += 1_000
      wall += 1_001
      return jump()
    })
    assert.strictEqual(Math.max(...found), 50)
    assert.strictEqual(
      found.reduce((sum, by) => sum + by, 0),
      200
    )
  })
})

describe("what may be sent after a jump of the clock", () => {
  const limits = { connections: 100, perSecond: 10, recipientLimit: () => ({ count: 1, millis: 1_000 }) }
  const policy = { failures: 1, firstWait: 10_000, longestWait: 300_000 }
  const know = (may: Allowance, chatId: string) => may.know({ recipient: { chatId } })
  const now = 1_000_000_000

  for (const [way, by] of jumps) {
    it(`${way} is what the limits allow`, () => {
      const may = new Allowance(limits, policy)
      const ends = Array.from({ length: 10 }, (_, index) => may.begin(know(may, String(index)), now))
      for (const end of ends) end(Outcome.Accepted({ providerMessageId: "1" }), now)
      may.moved(by)
      assert.strictEqual(may.slots(now + by + 999), 0)
      assert.strictEqual(may.slotsAt(now + by + 10), now + by + 1_000)
      assert.strictEqual(may.recipientAt("1", now + by + 10), now + by + 1_000)
      assert.strictEqual(may.slots(now + by + 1_000), 10)
    })

    it(`${way} is nothing while the platform said to wait, and no longer`, () => {
      const may = new Allowance(limits, policy)
      may.begin(know(may, "a"), now)(Outcome.Throttled({ scope: "sender", retryAfterMs: 30_000 }), now)
      may.moved(by)
      assert.strictEqual(may.slots(now + by + 29_999), 0)
      assert.isAbove(may.slots(now + by + 30_000), 0)
    })

    it(`${way} is nothing while the circuit is open, and then a probe`, () => {
      const may = new Allowance(limits, policy)
      may.begin(know(may, "a"), now)(Outcome.Transient({ reason: "connection-refused" }), now)
      may.moved(by)
      assert.strictEqual(may.slots(now + by + 9_999), 0)
      assert.strictEqual(may.slots(now + by + 10_000), 1)
    })

    it(`${way} is nothing to one recipient whose server is down, and then a probe`, () => {
      const may = new Allowance({ ...limits, blames: "recipient" }, policy)
      may.begin(know(may, "a"), now)(Outcome.Transient({ reason: "connection-refused" }), now)
      may.moved(by)
      assert.strictEqual(may.recipientAt("a", now + by + 5_000), now + by + 10_000)
    })
  }

  it("is forgotten by a window when its time has passed, not before", () => {
    const windows = new Windows()
    const limit = { key: "a", count: 1, millis: 1_000 }
    windows.begin(limit)
    windows.end(limit, now)
    windows.moved(-minutes)
    windows.tidy(now - minutes + 999)
    assert.isTrue(windows.counts("a"))
    windows.tidy(now - minutes + 1_000)
    assert.isFalse(windows.counts("a"))
  })
})
