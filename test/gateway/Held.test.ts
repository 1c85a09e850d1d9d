// What a gateway holds, and how fast it lets go.
import { assert, describe, it } from "@effect/vitest"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import { Held } from "#shared/gateway/Held.ts"
import { RateLimit } from "#shared/gateway/RateLimit.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"

const delivery = (seq: number) => ({ seq }) as Delivery
const sendAt = (millis: number) => ({ sendAt: fromMillis(millis) }) as Attempt

const noSpan = () => ({ headers: {}, end: () => {} })

const holding = (...times: ReadonlyArray<number>) => {
  const held = new Held()
  times.forEach((time, index) => {
    const entry = held.take(delivery(index), sendAt(time), noSpan)
    if (entry) held.hold(entry)
  })
  return held
}

const sequences = (entries: ReadonlyArray<{ readonly delivery: Delivery }>) =>
  entries.map(({ delivery }) => delivery.seq)

describe("what a gateway holds", () => {
  it("is released in the order of its instants, and of its coming for the same instant", () => {
    assert.deepStrictEqual(sequences(holding(30, 10, 20, 10).takeDue(30, 10)), [1, 3, 2, 0])
  })
  it("is not released before its instant", () => {
    const held = holding(10, 11)
    assert.deepStrictEqual(sequences(held.takeDue(9, 10)), [])
    assert.deepStrictEqual(sequences(held.takeDue(10, 10)), [0])
    assert.strictEqual(held.nextAt, 11)
  })
  it("is released no more than asked for", () => {
    assert.deepStrictEqual(sequences(holding(1, 1, 1).takeDue(1, 2)), [0, 1])
  })
  it("is taken in hand once, however often it is delivered, and settled by its newest delivery", () => {
    const held = holding(5)
    const newest = delivery(0)
    assert.isUndefined(held.take(newest, sendAt(5), noSpan))
    assert.strictEqual(held.size, 1)
    assert.strictEqual(held.takeDue(5, 1)[0]?.delivery, newest)
  })
  it("given up, is what still waited", () => {
    const held = holding(1, 2, 3)
    held.takeDue(1, 1)
    assert.deepStrictEqual(sequences(held.giveUp()), [1, 2])
    assert.strictEqual(held.size, 1)
  })
})

describe("the rate limit", () => {
  it("is exact in every sliding second", () => {
    const limit = new RateLimit(25)
    const sent: Array<number> = []
    for (let now = 0; now < 10_000; now += 7) {
      const free = Math.min(limit.free(now), 1 + (now % 40))
      limit.took(now, free)
      for (let n = 0; n < free; n++) sent.push(now)
    }
    for (const [index, from] of sent.entries()) {
      const within = sent.slice(index).filter((at) => at < from + 1_000).length
      assert.isAtMost(within, 25)
    }
    assert.isAtLeast(sent.length, 25 * 9)
  })
  it("says when the next may go", () => {
    const limit = new RateLimit(2)
    limit.took(100, 1)
    assert.strictEqual(limit.freeAt(100), 100)
    limit.took(300, 1)
    assert.strictEqual(limit.freeAt(300), 1_150)
    assert.strictEqual(limit.free(1_150), 1)
  })
  it("of nothing is none", () => {
    const limit = new RateLimit(0)
    limit.took(0, 1_000_000)
    assert.strictEqual(limit.free(0), Number.POSITIVE_INFINITY)
  })
})
