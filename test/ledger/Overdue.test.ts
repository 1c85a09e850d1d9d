// The watchdog's rules: what is lost is found, and what waits, is in somebody's hands, or is not projected yet is not.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Attempt, type Event, type Message } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Settled } from "#shared/nats/messages/Settled.ts"
import { fold, noRows } from "../../services/ledger/projection/Projection.ts"
import type { MessageRow } from "../../services/ledger/projection/Rows.ts"
import { type Recorded, timelineRow } from "../../services/ledger/projection/Timeline.ts"
import { kept } from "../../services/ledger/rebuild/Kept.ts"
import { judge, judgeTimer, needsTimer, type Step, stepOf } from "../../services/ledger/watchdog/Overdue.ts"
import {
  attemptFailed,
  cancelled,
  dispatched,
  fellBack,
  lives,
  messageOf,
  overdue,
  redriven,
  rescheduled,
  retryScheduled,
  scheduled,
  sent,
  started
} from "./Histories.ts"

const grace = 60_000
const gateway = "telegram-gateway-default-normal"
const queues = ["scheduler", "scheduler-changes", "scheduler-retries", "dispatcher", "dispatcher-failures", gateway]

/** Each event is stored when it happens. */
const recorded = (events: ReadonlyArray<Event>): ReadonlyArray<Recorded> =>
  events.map((event, index) => ({ event, sequence: index + 1, storedAt: event.at }))

const rowOf = (events: ReadonlyArray<Event>) => fold(noRows, recorded(events)).messages.get("m") as MessageRow
const newest = (events: ReadonlyArray<Event>): Step | undefined => {
  const last = events.findLast(({ type }) => type !== "overdue")
  return last && { type: last.type, storedAt: last.at }
}

const hours = (count: number) => toMillis(dispatched("m").at) + count * 3_600_000
const factsAt = (now: number, otherwise: Readonly<Record<string, Settled>> = {}) => ({
  now,
  graceMillis: grace,
  settled: (durable: string): Settled =>
    otherwise[durable] ??
    (queues.includes(durable) ? { before: now, exists: true } : { before: Number.NEGATIVE_INFINITY, exists: false })
})

/** With queues that are empty an hour later, unless said otherwise. */
const ruleOf = (events: ReadonlyArray<Event>, otherwise: Readonly<Record<string, Settled>> = {}, now = hours(1)) => {
  const row = rowOf(events)
  return judge(row, stepOf(row, newest(events)), factsAt(now, otherwise))?.rule
}
const holding = (since: string) => ({ before: toMillis(since), exists: true })

const plain = [scheduled("m")]
const onTheWay = [...plain, dispatched("m")]
const begun = [...onTheWay, started("m")]
const undecided = [...begun, attemptFailed("m")]
const retrying = [...undecided, retryScheduled("m")]

describe("a message", () => {
  it.each([
    ["past-due", plain],
    ["past-due", [...plain, rescheduled("m", 10)]],
    ["past-due", retrying],
    ["past-due", [...undecided, fellBack("m", 2)]],
    ["not-sent", onTheWay],
    ["no-outcome", begun],
    ["undecided", undecided],
    ["past-due", [...plain, overdue("m")]]
  ] as const)("is found as %s when its time is long over and nobody has it: %#", (rule, events) => {
    assert.strictEqual(ruleOf(events), rule)
  })

  it.each(lives.map((life) => [life("m")] as const))("that ended is none: %#", (events) => {
    const row = fold(noRows, recorded(events)).messages.get("m")
    if (!row || row.status === "pending" || row.status === "processing") return
    for (const type of ["scheduled", "dispatched", "send-started", "attempt-failed"] as const)
      assert.isUndefined(judge(row, { type, storedAt: row.updatedAt }, factsAt(hours(100))))
  })

  it("is none while its time, or the time of its retry, is not over by more than the grace", () => {
    for (const events of [plain, retrying]) {
      const row = rowOf(events)
      const due = toMillis(row.nextAttemptAt ?? row.dueAt ?? "")
      assert.isUndefined(ruleOf(events, {}, due + grace))
      assert.strictEqual(ruleOf(events, {}, due + grace + 1), "past-due")
    }
  })

  it("is none while something that happened to it is younger than the grace", () => {
    for (const events of [onTheWay, begun, undecided]) {
      const at = toMillis(events.at(-1)?.at ?? "")
      assert.isUndefined(ruleOf(events, {}, at + grace))
      assert.isDefined(ruleOf(events, {}, at + grace + 1))
    }
  })

  it("is none while the queue it would be in holds something as old: a pause, a limit, a service that is away", () => {
    for (const [events, queue] of [
      [plain, "scheduler"],
      [plain, "scheduler-changes"],
      [retrying, "scheduler-retries"],
      [onTheWay, gateway],
      [begun, gateway],
      [undecided, "dispatcher-failures"]
    ] as const)
      assert.isUndefined(ruleOf(events, { [queue]: holding(events.at(-1)?.at ?? "") }), queue)
  })

  it("is none while any timer that fired waits for the dispatcher, however late NATS fired it", () => {
    assert.isUndefined(ruleOf(plain, { dispatcher: holding(fromMillis(hours(1) - grace)) }))
  })

  it("on its way to a sender that nobody serves is told", () => {
    const nobody = { [gateway]: { before: Number.NEGATIVE_INFINITY, exists: false } }
    assert.strictEqual(ruleOf(onTheWay, nobody), "no-gateway")
    assert.isUndefined(ruleOf(begun, nobody))
  })

  it("whose steps are missing from the timeline is judged by its row", () => {
    for (const [events, rule] of [
      [plain, "past-due"],
      [begun, "not-sent"],
      [retrying, "past-due"]
    ] as const) {
      const row = rowOf(events)
      assert.strictEqual(judge(row, stepOf(row, undefined), factsAt(hours(1)))?.rule, rule)
    }
  })
})

describe("a timer", () => {
  const waits = [...plain, rescheduled("m", 10)]
  const soon = toMillis(rowOf(waits).dueAt ?? "") - 2 * grace
  const needed = (events: ReadonlyArray<Event>, now: number, otherwise: Readonly<Record<string, Settled>> = {}) => {
    const row = rowOf(events)
    return needsTimer(row, stepOf(row, newest(events)), factsAt(now, otherwise))
  }

  it("must stand for a message that waits, and for a retry", () => {
    assert.isTrue(needed(waits, soon))
    const later = { ...retryScheduled("m"), sendAt: fromMillis(hours(1)) } as Event
    assert.isTrue(needed([...undecided, later], hours(0.5)))
  })
  it("need not when it is about to fire, just planned, not armed yet, or when the message is on its way or ended", () => {
    assert.isFalse(needed(waits, soon + grace))
    assert.isFalse(needed(waits, toMillis(rescheduled("m", 10).at) + grace))
    assert.isFalse(needed(waits, soon, { "scheduler-changes": holding(rescheduled("m", 10).at) }))
    assert.isFalse(needed([...waits, dispatched("m")], soon))
    assert.isFalse(needed([...waits, cancelled("m")], soon))
  })
  it("of a message that ended, or without a row, is told once the ledger must know", () => {
    const storedAt = hours(0)
    const found = (row: MessageRow | undefined, now = hours(1)) =>
      judgeTimer({ id: "m", storedAt }, row, factsAt(now))?.rule
    assert.strictEqual(found(rowOf([...plain, cancelled("m")])), "timer-left")
    assert.strictEqual(found(rowOf([...begun, sent("m")])), "timer-left")
    assert.strictEqual(found(undefined), "no-row")
    // Its gateway was back and said so while the next try waited for its time: nothing comes of that.
    const retry = { id: "m", storedAt, doubtedUntil: hours(2) }
    const left = (now: number) => judgeTimer(retry, rowOf([...begun, sent("m")]), factsAt(now))?.rule
    assert.isUndefined(left(hours(2) + grace - 1))
    assert.strictEqual(left(hours(2) + grace), "timer-left")
    assert.isUndefined(found(undefined, storedAt + grace - 1))
    assert.isUndefined(found(rowOf(plain)))
    assert.isUndefined(found(rowOf(retrying)))
  })
})

describe("what the ledger kept of a message", () => {
  const whole: Message = {
    ...messageOf("m"),
    kind: "appointment",
    retry: [{ attempts: 2, seconds: 5 }],
    fallback: [{ platform: "telegram", recipient: { chatId: "2" } }]
  }
  const first = { ...scheduled("m"), message: whole } as Event
  const keptOf = (...events: ReadonlyArray<Event>) => {
    const rows = fold(noRows, recorded(events))
    return kept(
      rows.messages.get("m") as MessageRow,
      rows.contents.get("m") ?? undefined,
      recorded(events).map(timelineRow)
    )
  }

  it("is the message as it was scheduled, and an attempt of the contract", () => {
    const attempt = keptOf(first)
    assert.deepStrictEqual(attempt?.message, whole)
    assert.deepInclude(attempt, { attempt: 1, failures: 0, sendAt: whole.dueAt, possibleDuplicate: false })
    assert.deepStrictEqual(Schema.decodeUnknownSync(Attempt)(JSON.parse(JSON.stringify(attempt))), attempt)
  })
  it("is the attempt it waits for, at the time it was last planned for", () => {
    const retry = keptOf(first, dispatched("m"), started("m"), attemptFailed("m"), retryScheduled("m"))
    const { sendAt } = retryScheduled("m") as { readonly sendAt: string }
    assert.deepInclude(retry, { attempt: 2, failures: 1, sendAt })
    const moved = keptOf(first, retryScheduled("m"), rescheduled("m", 70))
    assert.deepInclude(moved, { attempt: 2, sendAt: moved?.message.dueAt ?? "" })
    assert.deepInclude(keptOf(first, redriven("m", 4)), { attempt: 4, failures: 0 })
  })
  it("is nothing when its text was erased, or it is on a further channel", () => {
    const rows = fold(noRows, recorded([first]))
    assert.isUndefined(kept(rows.messages.get("m") as MessageRow, undefined, recorded([first]).map(timelineRow)))
    assert.isUndefined(keptOf(first, fellBack("m", 2)))
  })
})
