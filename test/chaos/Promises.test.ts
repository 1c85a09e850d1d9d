// The promises notice when they are broken: each finding has a run that brings it about.
import { assert, describe, it } from "@effect/vitest"
import type { Hostile } from "../../chaos/plan/Hostile.ts"
import { planOf } from "../../chaos/plan/Plan.ts"
import type { Evidence, Seen } from "../../chaos/promises/Evidence.ts"
import { findings } from "../../chaos/promises/Promises.ts"
import type { Ran } from "../../chaos/promises/Ran.ts"
import { limits, textOf } from "../../chaos/world/World.ts"

const planned = planOf(7, { messages: 1, seconds: 10 })
const [only] = planned.messages as [(typeof planned.messages)[0]]
const due = 1_800_000_000_000
const message = { ...only, id: "m-0", maxLatenessSeconds: 10, unknownOutcome: "resend" as const }

const call = (at: number, id = "m-0") => ({ id, at })
const arrival = { chatId: message.chatId, text: textOf("m-0"), at: due + 1 }

const event = (type: string, more: object = {}) => ({ id: "m-0", type, at: "", attempt: 1, ...more })
const scheduled = { id: "m-0", type: "scheduled", at: "" }
const sent = event("sent", { providerMessageId: "1" })
const events = [scheduled, event("send-started"), sent]

/** A run in which nothing is wrong, but for what is given. */
const ran = (wrong: Partial<Evidence>, others: Partial<Ran> = {}): Ran => ({
  plan: { ...planned, messages: [message] },
  asked: [],
  changed: [],
  ordered: [],
  struck: [],
  dueAt: new Map([["m-0", due]]),
  evidence: {
    events,
    rows: [{ id: "m-0", status: "sent", attempts: 1, possible_duplicate: false }],
    left: [call(due + 1)],
    arrived: [arrival],
    leftOver: [],
    quarantined: 0,
    standing: undefined,
    endedByThemselves: {},
    log: "all is well",
    ...wrong
  },
  ...others
})

const broken = (...given: Parameters<typeof ran>) => findings(ran(...given)).map(({ promise }) => promise)
const row = (changes: object) => [{ id: "m-0", status: "sent", attempts: 1, possible_duplicate: false, ...changes }]
const hostile = (expected: Hostile["expected"]): Hostile => ({
  subject: "carillon.command.schedule",
  payload: "{",
  expected
})
const crowd = Array.from({ length: limits.bot + 1 }, (_, n) => ({ ...message, id: `m-${n}`, chatId: `chat-${n}` }))

/** By the command at this place, to so long after it was due before. */
const rescheduled = (place: number, laterMillis: number) =>
  event("rescheduled", { cause: `command-${place}-1`, dueAt: new Date(due + laterMillis).toISOString() })
const change = (name: "cancel" | "reschedule") => ({
  changed: [{ change: { id: "m-0", name, askedAfterMillis: 0, dueAfterMillis: 0 }, sequence: 5 }]
})

const order = { name: "pause" as const, askedAfterMillis: 0 }
const ordered = (place: number, orders: object) =>
  ({ type: "orders-changed", at: "", sender: "spare", cause: `command-${place}-1`, orders }) satisfies Seen

/** Sent a second time, after an answer that never came. */
const again = {
  left: [call(due + 1), call(due + 2_000)],
  arrived: [arrival, arrival],
  events: [
    scheduled,
    event("send-started"),
    event("attempt-failed", { category: "unknown" }),
    event("send-started", { attempt: 2 }),
    event("sent", { attempt: 2, providerMessageId: "2" })
  ],
  rows: row({ attempts: 2, possible_duplicate: true })
}

/** Its gateway is lost in the middle of the call; what follows comes after that. */
const interrupted = event("attempt-failed", { category: "unknown", reason: "interrupted" })
const lost = [scheduled, event("send-started"), interrupted]
const resent = [
  event("send-started", { attempt: 2 }),
  event("sent", { attempt: 2, providerMessageId: "2", possibleDuplicate: true })
]
/** The gateway is back, and says that it had sent it, when another has sent it again. */
const twice = { ...again, events: [...lost, ...resent, sent] }
const unmarked = resent.map((one) => ({ ...one, possibleDuplicate: false }))
const twiceAfter = (failure: object) => ({
  ...twice,
  events: twice.events.map((one) => (one === interrupted ? { ...interrupted, ...failure } : one))
})

const cases: ReadonlyArray<readonly [what: string, promise: string, wrong: Partial<Evidence>, others?: Partial<Ran>]> =
  [
    ["a message that was never accepted", "one final outcome", { events: events.slice(1) }],
    [
      "a message that was refused in good time",
      "one final outcome",
      { events: [{ id: "m-0", type: "rejected", at: new Date(due).toISOString() }] }
    ],
    [
      "a message without an end",
      "one final outcome",
      { events: events.slice(0, 2), rows: row({ status: "processing" }) }
    ],
    ["a message with two ends", "one final outcome", { events: [...events, event("expired")] }],
    ["a send that was known, and then was not", "one final outcome", { events: [...lost, sent, event("unknown")] }],
    ["a send that was known, and then given up", "one final outcome", { events: [...lost, sent, event("failed")] }],
    [
      "a send of which its own gateway had not known",
      "one final outcome",
      { events: [...events.slice(0, 2), { ...interrupted, reason: "timed-out" }, event("unknown"), sent] }
    ],
    [
      "an end while its gateway was not lost, and its send",
      "one final outcome",
      { events: [...events.slice(0, 2), event("expired"), interrupted, sent] }
    ],
    [
      "a later try that was sent although the message had expired",
      "one final outcome",
      { ...again, events: [...lost, event("expired"), ...resent] }
    ],
    [
      "a cancelled message that is sent after all",
      "one final outcome",
      { events: [...events.slice(0, 2), event("cancelled", { attempt: undefined }), sent] }
    ],
    ["a second send that is not marked", "one final outcome", { ...twice, events: [...lost, ...unmarked, sent] }],
    [
      "a second send in the place of a try that was refused",
      "one final outcome",
      twiceAfter({ category: "transient" })
    ],
    [
      "a later try that is known after all, and the end of an earlier one",
      "one final outcome",
      {
        ...again,
        events: [
          ...lost,
          event("send-started", { attempt: 2 }),
          { ...interrupted, attempt: 2 },
          event("expired"),
          event("sent", { attempt: 2, providerMessageId: "2", possibleDuplicate: true })
        ]
      }
    ],
    [
      "a second send in the place of a try whose gateway was there",
      "one final outcome",
      twiceAfter({ reason: "timed-out" })
    ],
    [
      "a second send that was begun when the first was known",
      "one final outcome",
      { ...twice, events: [...lost, sent, ...resent] }
    ],
    [
      "a try that arrived twice, though nobody knew of it and then its gateway did",
      "rows, log and platform agree",
      { events: [...lost, event("unknown"), sent], arrived: [arrival, arrival] }
    ],
    [
      "another attempt that was sent although the first was unknown",
      "one final outcome",
      { events: [...events.slice(0, 2), event("unknown"), event("sent", { attempt: 2 })] }
    ],
    ["an end of each of two attempts", "one final outcome", { events: [...events, event("sent", { attempt: 2 })] }],
    ["a row that says otherwise", "one final outcome", { rows: row({ status: "failed" }) }],
    ["a call without an intent", "sends are recorded", { left: again.left }],
    ["a second send that the row does not know of", "sends are recorded", { ...again, rows: row({ attempts: 2 }) }],
    ["sent, and never arrived", "sends are recorded", { arrived: [] }],
    ["a send that the row does not count", "rows, log and platform agree", { rows: row({ attempts: 0 }) }],
    [
      "an arrival that the log takes for a refusal",
      "rows, log and platform agree",
      { ...again, events: again.events.map((one) => (one.type === "attempt-failed" ? event("attempt-failed") : one)) }
    ],
    [
      "another name than the platform gave",
      "rows, log and platform agree",
      { events: [...events.slice(0, 2), event("sent", { providerMessageId: "7" })] }
    ],
    ["a millisecond too early", "never early", { left: [call(due - 1)] }],
    [
      "sooner than it was rescheduled to",
      "never early",
      { events: [scheduled, rescheduled(5, 1_000), ...events.slice(1)] }
    ],
    [
      "a later instant than it was rescheduled to",
      "not past its deadline",
      { events: [scheduled, rescheduled(5, -11_000), ...events.slice(1)] }
    ],
    ["a change that nothing came of", "changes are carried out in their order, or refused", {}, change("reschedule")],
    ["a cancel that nothing came of", "changes are carried out in their order, or refused", {}, change("cancel")],
    [
      "an earlier change that went before a later one",
      "changes are carried out in their order, or refused",
      { events: [scheduled, rescheduled(6, 1), rescheduled(5, 1), ...events.slice(1)] }
    ],
    ["an order that nothing came of", "the last order stands", {}, { ordered: [{ order, sequence: 5 }] }],
    [
      "an earlier order that stands",
      "the last order stands",
      { events: [...events, ordered(5, { paused: true }), ordered(6, { paused: false })], standing: { paused: true } }
    ],
    ["past its deadline", "not past its deadline", { left: [call(due + 10_500)] }],
    ["something nobody scheduled", "only what was scheduled", { left: [call(due + 1), call(due + 1, "m-9")] }],
    ["another's chat", "only what was scheduled", { arrived: [{ ...arrival, chatId: "1" }] }],
    [
      "too many in a second",
      "limits",
      { left: crowd.map(({ id }, n) => call(due + 1 + n * 20, id)) },
      { plan: { ...planned, messages: crowd } }
    ],
    ["too many to a chat", "limits", { left: [call(due + 1), call(due + 2), call(due + 1_000)] }],
    ["a text in the log", "nothing personal in logs", { log: `could not send ${textOf("m-0")}` }],
    [
      "a hostile command that was not refused",
      "hostile commands",
      {},
      { asked: [{ hostile: hostile("refused"), sequence: 5 }] }
    ],
    [
      "one that another's refusal does not make up for",
      "hostile commands",
      { events: [...events, { type: "rejected", at: "", cause: "command-4-1" }] },
      { asked: [{ hostile: hostile("refused"), sequence: 5 }] }
    ],
    ["one that NATS took", "hostile commands", {}, { asked: [{ hostile: hostile("by NATS"), sequence: 5 }] }],
    ["a row of nobody's message", "hostile commands", { rows: [...row({}), ...row({ id: "h-almost" })] }],
    ["something in quarantine", "nothing quarantined", { quarantined: 1 }],
    ["a service that is not ready", "after the storm", { leftOver: ["ledger is not ready"] }]
  ]

describe("the promises", () => {
  it("are kept where nothing is wrong", () => assert.deepStrictEqual(broken({}), []))

  it("are kept by an event that is said again, and by a refusal that came too late to be accepted", () => {
    assert.deepStrictEqual(broken({ events: [...events, sent] }), [])
    const late = { id: "m-0", type: "rejected", at: new Date(due + 10_000).toISOString() }
    const refused = { events: [late], rows: row({ status: "rejected", attempts: 0 }), left: [], arrived: [] }
    assert.deepStrictEqual(broken(refused), [])
  })

  it("are kept by changes that are carried out or refused, each by its own word", () => {
    for (const name of ["cancel", "reschedule"] as const) {
      const refusal = event("rejected", { cause: "command-5-1" })
      assert.deepStrictEqual(broken({ events: [...events, refusal] }, change(name)), [])
    }
    assert.deepStrictEqual(
      broken({ events: [scheduled, rescheduled(5, 1), ...events.slice(1)] }, change("reschedule")),
      []
    )
    const cancelled = { left: [], arrived: [], rows: row({ status: "cancelled", attempts: 0 }) }
    assert.deepStrictEqual(broken({ ...cancelled, events: [scheduled, event("cancelled")] }, change("cancel")), [])
  })

  it("are kept by a send of which nobody knew, until its gateway was back, whatever was made of it", () => {
    const cancelled = event("cancelled", { attempt: undefined })
    for (const made of [
      event("unknown"),
      event("failed"),
      event("expired"),
      event("expired", { attempt: 2 }),
      cancelled
    ])
      assert.deepStrictEqual(broken({ events: [...lost, made, sent] }), [])
  })

  it("are kept by a second send that is marked, begun before the first was known", () => {
    assert.deepStrictEqual(broken(twice), [])
    assert.deepStrictEqual(broken({ ...twice, events: [...lost, resent[0] as Seen, sent, resent[1] as Seen] }), [])
  })

  it("are kept by a call before a message was rescheduled between two tries, and broken by one after it that is early", () => {
    const between = { ...again, events: [...again.events.slice(0, 3), rescheduled(5, 2_000), ...again.events.slice(3)] }
    assert.deepStrictEqual(broken(between), [])
    assert.deepStrictEqual(broken({ ...between, left: [call(due + 1), call(due + 1_999)] }), ["never early"])
  })

  for (const [what, promise, wrong, others] of cases)
    it(`are broken by ${what}`, () => assert.include(broken(wrong, others), promise))

  it("holds a message that was to be held to one send", () => {
    const held = { plan: { ...planned, messages: [{ ...message, unknownOutcome: "hold" as const }] } }
    assert.deepStrictEqual(broken(again), [])
    assert.deepStrictEqual(broken(again, held), ["sends are recorded"])
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

  it("has every way of striking in some seed, and leaders only where there is more than one server", () => {
    const strikes = (world: "single" | "cluster") =>
      Array.from({ length: 200 }, (_, seed) => planOf(seed, { messages: 1, seconds: 30 }, world).strikes).flat()
    const ways = new Set(strikes("cluster").map(({ how, kind }) => `${kind}: ${how}`))
    assert.strictEqual(ways.size, 19)
    const servers = new Set(strikes("single").flatMap(({ kind, victim }) => (kind === "nats" ? [victim] : [])))
    assert.deepStrictEqual([...servers], ["server 1"])
  })
})
