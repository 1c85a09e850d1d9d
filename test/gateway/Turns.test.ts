// Whose turn it is: order for one recipient, fairness between many, urgency without starvation.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Attempt } from "#shared/contract/Events.ts"
import { type Priority, priorities } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { type Entry, entryOf } from "#shared/gateway/sending/Entry.ts"
import { Turns } from "#shared/gateway/sending/Turns.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"

interface Wanted {
  readonly to: string
  readonly dueAt: number
  readonly priority?: Priority
  readonly sendAt?: number
}

const noSpan = { headers: {}, end: () => {} }

const entry = ({ to, dueAt, priority = "normal", sendAt = dueAt }: Wanted, seq: number): Entry =>
  entryOf(
    {
      message: { dueAt: fromMillis(dueAt), expiresAt: fromMillis(dueAt + 3_600_000), priority },
      sendAt: fromMillis(sendAt)
    } as Attempt,
    { chatId: to },
    to,
    { seq } as Delivery,
    noSpan
  )

const holding = (wanted: ReadonlyArray<Wanted>, mayBegin: (recipient: string, now?: number) => number = () => 0) => {
  const turns = new Turns(mayBegin)
  wanted.forEach((one, index) => void turns.add(entry(one, index)))
  return turns
}

/** Takes as many as have their turn, each send ending at once. */
const takeAll = (turns: Turns, now: number) => {
  const taken: Array<Entry> = []
  for (let next = turns.next(now); next; next = turns.next(now)) {
    taken.push(next)
    turns.ended(next.recipient)
  }
  return taken
}
const sequences = (entries: ReadonlyArray<Entry>) => entries.map(({ delivery }) => delivery.seq)

describe("whose turn it is", () => {
  it("is nobody's before the instant", () => {
    const turns = holding([{ to: "a", dueAt: 100 }])
    assert.isUndefined(turns.next(99))
    assert.strictEqual(turns.nextAt(99), 100)
    assert.strictEqual(turns.next(100)?.recipient, "a")
  })

  it("comes a little ahead of the instant if that is wanted, but never before the recipient may be sent to", () => {
    let until = 0
    const turns = new Turns(() => until, 1, 25)
    turns.add(entry({ to: "a", dueAt: 100 }, 0))
    assert.strictEqual(turns.nextAt(0), 75)
    assert.isUndefined(turns.next(74))
    until = 90
    assert.isUndefined(turns.next(89))
    assert.strictEqual(turns.next(90)?.recipient, "a")
  })

  it("is given anew when the time at which a recipient may be sent to was moved", () => {
    let until = 400_000
    const turns = holding([{ to: "a", dueAt: 100 }], () => until)
    assert.strictEqual(turns.nextAt(200), 400_000)
    until = 300
    turns.anew()
    assert.strictEqual(turns.nextAt(200), 300)
    assert.strictEqual(takeAll(turns, 300).length, 1)
    assert.strictEqual(takeAll(turns, 400_000).length, 0)
  })

  it("is for one recipient in the order in which the messages were due, whatever their order of coming", () => {
    const wanted = [30, 10, 20, 10].map((dueAt) => ({ to: "a", dueAt }))
    assert.deepStrictEqual(sequences(takeAll(holding(wanted), 30)), [1, 3, 2, 0])
  })

  it("is for as many of one recipient at once as may be, begun in order, and for no more", () => {
    const turns = new Turns(() => 0, 3)
    for (const [seq, dueAt] of [40, 20, 30, 10, 50].entries()) turns.add(entry({ to: "a", dueAt }, seq))
    const taken = [turns.next(60), turns.next(60), turns.next(60)]
    assert.deepStrictEqual(
      taken.map((one) => one?.dueAt),
      [10, 20, 30]
    )
    assert.isUndefined(turns.next(60))
    turns.ended("a")
    assert.strictEqual(turns.next(60)?.dueAt, 40)
    assert.isUndefined(turns.next(60))
    for (let n = 0; n < 3; n++) turns.ended("a")
    assert.strictEqual(turns.next(60)?.dueAt, 50)
  })

  it("is among recipients that wait alike in the order in which they were due, and then in that of coming", () => {
    const order = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 })
    fc.assert(
      fc.property(order, (dueAts) => {
        const turns = holding(
          dueAts.map((dueAt, n) => ({ to: String(n), dueAt })),
          () => 10
        )
        const expected = [...dueAts.keys()].sort((a, b) => (dueAts[a] ?? 0) - (dueAts[b] ?? 0) || a - b)
        assert.deepStrictEqual(sequences(takeAll(turns, 10)), expected)
      })
    )
  })

  it("is nobody else's because the clock moved on while it was looked for", () => {
    let clock = 0
    const wanted = Array.from({ length: 20 }, (_, n) => ({ to: String(n), dueAt: 0 }))
    const turns = holding(wanted, (_, now = ++clock) => now)
    assert.deepStrictEqual(sequences(takeAll(turns, 20)), [...wanted.keys()])
  })

  it("is for one recipient only when the send before has ended", () => {
    const turns = holding([
      { to: "a", dueAt: 1 },
      { to: "a", dueAt: 2 }
    ])
    assert.strictEqual(turns.next(5)?.delivery.seq, 0)
    assert.isUndefined(turns.next(5))
    turns.ended("a")
    assert.strictEqual(turns.next(5)?.delivery.seq, 1)
  })

  it("waits behind a message that is tried again and was due earlier", () => {
    const turns = holding([
      { to: "a", dueAt: 1, sendAt: 50 },
      { to: "a", dueAt: 2 }
    ])
    assert.isUndefined(turns.next(49))
    assert.deepStrictEqual(sequences(takeAll(turns, 50)), [0, 1])
  })

  it("is not held up by a recipient who must wait", () => {
    const turns = holding(
      [
        { to: "slow", dueAt: 1 },
        { to: "b", dueAt: 2 }
      ],
      (recipient) => (recipient === "slow" ? 1_000 : 0)
    )
    assert.deepStrictEqual(sequences(takeAll(turns, 10)), [1])
    assert.strictEqual(turns.nextAt(10), 1_000)
    assert.deepStrictEqual(sequences(takeAll(turns, 1_000)), [0])
  })

  it("is asked again of a recipient whose limit was moved", () => {
    let free = 100
    const turns = holding([{ to: "a", dueAt: 1 }], () => free)
    free = 200
    assert.isUndefined(turns.next(150))
    assert.strictEqual(turns.nextAt(150), 200)
    assert.strictEqual(turns.next(200)?.recipient, "a")
  })

  it("comes to urgent messages more often, and to bulk all the same", () => {
    const many = (priority: Priority) =>
      Array.from({ length: 100 }, (_, index) => ({ to: `${priority}-${index}`, dueAt: 1, priority }))
    const first = takeAll(holding([...many("bulk"), ...many("normal"), ...many("urgent")]), 1).slice(0, 42)
    const count = (priority: Priority) => first.filter(({ attempt }) => attempt.message.priority === priority).length
    assert.deepStrictEqual(priorities.map(count), [32, 8, 2])
  })

  it("of an urgent message behind others to the same recipient comes with theirs: they go before it, sooner", () => {
    const others = Array.from({ length: 50 }, (_, index) => ({ to: `o-${index}`, dueAt: 1, priority: "bulk" as const }))
    const taken = takeAll(
      holding([...others, { to: "a", dueAt: 1, priority: "bulk" }, { to: "a", dueAt: 2, priority: "urgent" }]),
      2
    )
    assert.deepStrictEqual(sequences(taken).slice(0, 2), [50, 51])
  })

  it("is that of a text's next part before whoever else waits for its recipient, also of one that was due earlier", () => {
    const turns = holding([
      { to: "a", dueAt: 10 },
      { to: "a", dueAt: 10 }
    ])
    const text = turns.next(20) as Entry
    text.partsSent++
    turns.add(text)
    turns.add(entry({ to: "a", dueAt: 5 }, 2))
    turns.ended("a")
    assert.deepStrictEqual(sequences(takeAll(turns, 20)), [0, 2, 1])
  })

  it("is by its time that of a text of which another try has sent a part: it may wait for long", () => {
    const turns = holding([{ to: "a", dueAt: 10 }])
    const { attempt, ...rest } = entry({ to: "a", dueAt: 10 }, 1)
    turns.add({ ...rest, attempt: { ...attempt, partsSent: 1 }, partsSent: 1 })
    assert.deepStrictEqual(sequences(takeAll(turns, 20)), [0, 1])
  })

  it("is known of until its outcome is there, so that a text's next part finds the limit of its chat", () => {
    const turns = holding([{ to: "a", dueAt: 1 }])
    assert.isTrue(turns.has("a"))
    turns.next(5)
    assert.strictEqual(turns.waitingFor("a"), 0)
    assert.isTrue(turns.has("a"))
    turns.ended("a")
    assert.isFalse(turns.has("a"))
  })

  it("never comes to what was taken out", () => {
    const turns = holding([
      { to: "a", dueAt: 1 },
      { to: "a", dueAt: 2 },
      { to: "b", dueAt: 1 }
    ])
    assert.deepStrictEqual(sequences(turns.remove(({ dueAt }) => dueAt === 1)).sort(), [0, 2])
    assert.deepStrictEqual(sequences(takeAll(turns, 5)), [1])
    assert.strictEqual(turns.waitingFor("a"), 0)
  })

  it("comes once to each message, in order for each recipient, whatever happens in between", () => {
    const wanted = fc.record({
      to: fc.constantFrom("a", "b", "c"),
      dueAt: fc.integer({ min: 0, max: 50 }),
      priority: fc.constantFrom(...priorities)
    })
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 40 }), (all) => {
        const taken = takeAll(holding(all), 50)
        assert.strictEqual(new Set(sequences(taken)).size, all.length)
        for (const to of ["a", "b", "c"]) {
          const times = taken.filter(({ recipient }) => recipient === to).map(({ dueAt }) => dueAt)
          assert.deepStrictEqual(
            times,
            times.toSorted((a, b) => a - b)
          )
        }
      })
    )
  })
})
