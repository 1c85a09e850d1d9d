// The promises notice when they are broken: each finding has a run that brings it about.
import { assert, describe, it } from "@effect/vitest"
import type { Evidence } from "../../chaos/Evidence.ts"
import { planOf } from "../../chaos/Plan.ts"
import { findings } from "../../chaos/Promises.ts"
import type { Ran } from "../../chaos/Run.ts"
import { limits, textOf } from "../../chaos/World.ts"

const planned = planOf(7, { messages: 1, seconds: 10 })
const [only] = planned.messages as [(typeof planned.messages)[0]]
const due = 1_800_000_000_000
const message = { ...only, id: "m-0", maxLatenessSeconds: 10, unknownOutcome: "resend" as const }

const call = (at: number, chatId = message.chatId) => ({ chatId, text: textOf("m-0"), at })

const events = ["scheduled", "send-started", "sent"].map((type) => ({ id: "m-0", type, at: "" }))

/** A run in which nothing is wrong, but for what is given. */
const ran = (wrong: Partial<Evidence>, plan: Partial<Ran["plan"]> = {}): Ran => ({
  plan: { ...planned, messages: [message], hostile: [], ...plan },
  dueAt: new Map([["m-0", due]]),
  evidence: {
    events,
    rows: [{ id: "m-0", status: "sent", attempts: 1, possible_duplicate: false }],
    requests: [call(due + 1)],
    arrived: [call(due + 1)],
    ended: new Set(["m-0"]),
    unsettled: 0,
    behind: 0,
    quarantined: 0,
    log: "all is well",
    ...wrong
  } as Evidence
})

const broken = (...given: Parameters<typeof ran>) => findings(ran(...given)).map(({ promise }) => promise)
const twice = [call(due + 1), call(due + 2_000)]
const row = (changes: object) => [{ id: "m-0", status: "sent", attempts: 1, possible_duplicate: false, ...changes }]

const cases: ReadonlyArray<
  readonly [what: string, promise: string, wrong: Partial<Evidence>, plan?: Partial<Ran["plan"]>]
> = [
  ["a message that was never accepted", "one final outcome", { events: events.slice(1) }],
  [
    "a message without an end",
    "one final outcome",
    { events: events.slice(0, 2), rows: row({ status: "processing" }) }
  ],
  ["a message with two ends", "one final outcome", { events: [...events, { id: "m-0", type: "expired", at: "" }] }],
  ["a row that says otherwise", "one final outcome", { rows: row({ status: "failed" }) }],
  [
    "a send without an intent",
    "sends are recorded",
    { requests: twice, arrived: twice, rows: row({ possible_duplicate: true }) }
  ],
  [
    "a second send that the row does not know of",
    "sends are recorded",
    { requests: twice, arrived: twice, events: [...events, { id: "m-0", type: "send-started", at: "" }] }
  ],
  ["sent, and never arrived", "sends are recorded", { arrived: [] }],
  ["a millisecond too early", "never early", { requests: [call(due - 1)] }],
  ["past its deadline", "not past its deadline", { requests: [call(due + 10_500)] }],
  ["something nobody scheduled", "only what was scheduled", { requests: [call(due + 1), { ...call(due), text: "?" }] }],
  [
    "too many in a second",
    "limits",
    { requests: Array.from({ length: limits.bot + 1 }, (_, n) => call(due + 1 + n * 20, `chat-${n}`)) }
  ],
  ["too many to a chat", "limits", { requests: [call(due + 1), call(due + 2), call(due + 1_000)] }],
  ["a text in the log", "nothing personal in logs", { log: `could not send ${textOf("m-0")}` }],
  ["a hostile command that was not refused", "hostile commands", {}, { hostile: ["{"] }],
  ["something in quarantine", "hostile commands", { quarantined: 1 }]
]

describe("the promises", () => {
  it("are kept where nothing is wrong", () => assert.deepStrictEqual(broken({}), []))

  for (const [what, promise, wrong, plan] of cases)
    it(`are broken by ${what}`, () => assert.include(broken(wrong, plan), promise))

  it("holds a message that was to be held to one send", () => {
    const held = { messages: [{ ...message, unknownOutcome: "hold" as const }] }
    const sentTwice = {
      requests: twice,
      arrived: twice,
      events: [...events, { id: "m-0", type: "send-started", at: "" }],
      rows: row({ possible_duplicate: true })
    }
    assert.deepStrictEqual(broken(sentTwice), [])
    assert.deepStrictEqual(broken(sentTwice, held), ["sends are recorded"])
  })
})

describe("a plan", () => {
  it("is the same for the same seed, and another for another", () => {
    const size = { messages: 50, seconds: 30 }
    const faults = (seed: number) =>
      Array.from({ length: 200 }, (_, nth) => planOf(seed, size).fault(nth, nth * 100)).join()
    const told = ({ fault: _, ...plan }: ReturnType<typeof planOf>) => JSON.stringify(plan)
    assert.strictEqual(told(planOf(3, size)), told(planOf(3, size)))
    assert.strictEqual(faults(3), faults(3))
    assert.notStrictEqual(told(planOf(3, size)), told(planOf(4, size)))
    assert.notStrictEqual(faults(3), faults(4))
  })
})
