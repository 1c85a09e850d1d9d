// Where every recipient is a server of its own: one that fails is held back and probed alone, and the others go on.
import { assert, describe, it } from "@effect/vitest"
import { Allowance } from "#shared/gateway/limits/Allowance.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"

const accepted = Outcome.Accepted({ providerMessageId: "1" })
const refused = Outcome.RejectedSender({ reason: "unauthorized" })
const down = Outcome.Transient({ reason: "connection-refused" })
const policy = { failures: 3, firstWait: 10_000, longestWait: 30_000 }
const limits = { blames: "recipient", connections: 10, perSecond: 5, recipientLimit: () => undefined } as const

const opened = (state?: ConstructorParameters<typeof Allowance>[2]) => {
  const may = new Allowance(limits, policy, state)
  const know = (url: string) => may.know({ recipient: { url } })
  const send = (url: string, outcome: Outcome, now: number) => may.begin(know(url), now)(outcome, now)
  return { may, know, send }
}

describe("a recipient that is a server of its own", () => {
  it("is held when it refuses us, while the sender's circuit stays closed and others may be sent to", () => {
    const { know, may, send } = opened()
    send("https://a.test", refused, 0)
    assert.strictEqual(may.recipientAt("https://a.test", 1), 10_000)
    assert.strictEqual(may.recipientAt(know("https://b.test"), 1), 1)
    assert.strictEqual(may.circuit.state, "closed")
    assert.isAbove(may.slots(1_001), 0)
    assert.strictEqual(may.recipientsHeld, 1)
  })

  it("is held after failures in a row, and not after as many with an answer in between", () => {
    const { may, send } = opened()
    for (const outcome of [down, down, accepted, down, down]) send("https://a.test", outcome, 0)
    assert.strictEqual(may.recipientsHeld, 0)
    send("https://a.test", down, 0)
    assert.strictEqual(may.recipientsHeld, 1)
  })

  it("is probed by one send, for longer each time, and is free again when it takes one", () => {
    const { know, may, send } = opened()
    send("https://a.test", refused, 0)
    const probe = may.begin(know("https://a.test"), 10_000)
    assert.strictEqual(may.recipientAt("https://a.test", 10_000), Number.POSITIVE_INFINITY)
    probe(down, 10_000)
    assert.strictEqual(may.recipientAt("https://a.test", 10_000), 30_000)
    send("https://a.test", accepted, 30_000)
    assert.strictEqual(may.recipientAt("https://a.test", 30_001), 30_001)
    assert.strictEqual(may.recipientsHeld, 0)
  })

  it("is still held when another replica has taken over", () => {
    const { may, send } = opened()
    send("https://a.test", refused, 0)
    const next = opened(JSON.parse(JSON.stringify(may.state(1))))
    assert.strictEqual(next.may.recipientAt(next.know("https://a.test"), 1), 10_000)
  })

  it("that asks to wait is waited for alone, and slows nobody else", () => {
    const { know, may, send } = opened()
    send("https://a.test", Outcome.Throttled({ retryAfterMs: 7_000, scope: "recipient" }), 0)
    assert.strictEqual(may.recipientAt("https://a.test", 1), 7_000)
    assert.strictEqual(may.slots(1_001), 5)
    assert.strictEqual(may.recipientAt(know("https://b.test"), 1), 1)
    assert.isAbove(may.pace("https://a.test", 1), 0)
    assert.strictEqual(may.pace("https://b.test", 1), 0)
  })

  it("is forgotten when nothing is meant for it, but not while its failures count", () => {
    const { know, may, send } = opened()
    send("https://a.test", refused, 0)
    may.tidy(40_000, () => false)
    assert.strictEqual(may.recipientsHeld, 1)
    may.tidy(40_001, () => true)
    assert.strictEqual(may.recipientsHeld, 1)
    may.tidy(40_001, () => false)
    assert.strictEqual(may.recipientsHeld, 0)
    assert.strictEqual(may.recipientAt(know("https://a.test"), 40_001), 40_001)
  })
})
