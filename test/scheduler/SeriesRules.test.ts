// The rules of a series: what is submitted, skipped and missed, whatever happens in which order.
import { assert, describe, it, vi } from "@effect/vitest"
import { Result } from "effect"
import type { Message } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { messageOf, type Series, upcoming } from "#shared/contract/series/Series.ts"
import type { ScheduleSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"
import { decodeSeriesCommand, newSeries } from "#shared/contract/series/SeriesSubmission.ts"
import {
  announced,
  cancel,
  change,
  claim,
  emptied,
  mostExpiring,
  pause,
  resume,
  skip
} from "../../services/scheduler/series/SeriesRules.ts"

const minute = 60_000
const hour = 60 * minute
const clock = (now: number) => ({ now, lead: minute, maxLateness: () => hour })
const rules = (now: number) => ({
  now,
  maxLateness: () => hour,
  unsendable: () => [],
  settled: (message: Message) => message
})
const why = (now: number) => ({ now, cause: `command-${now}` })
const at = (text: string) => Date.parse(text)

const wanted: ScheduleSeriesCommand = {
  id: "medicine",
  recurrence: { cron: "0 9 * * *" },
  timeZone: "Europe/Berlin",
  platform: "telegram",
  recipient: { chatId: "1" },
  content: { type: "text", text: "hello" }
}

const begun = (now: number, more: Partial<ScheduleSeriesCommand> = {}): Series =>
  emptied(announced(Result.getOrThrow(newSeries({ ...wanted, ...more }, rules(now))), "scheduled", why(now)))

const names = (series: Series | undefined) => series?.outbox?.occurrences.map(({ name }) => name)
const eventsOf = (series: Series | undefined) =>
  series?.outbox?.events.map((event) => (event.type === "series-changed" ? event.change : event.type))
const start = at("2026-12-01T00:00:00Z")
const nine = at("2026-12-01T08:00:00Z")

describe("an occurrence", () => {
  it("is submitted when it is due within the lead, once", () => {
    assert.isUndefined(claim(begun(start), clock(nine - minute - 1)))
    const claimed = claim(begun(start), clock(nine - minute))
    assert.deepStrictEqual(names(claimed), ["2026-12-01T09:00:00"])
    assert.strictEqual(claimed?.next?.name, "2026-12-02T09:00:00")
    assert.isUndefined(claim(emptied(claimed as Series), clock(nine)))
  })

  it("becomes a message of its own, with the series' name and its deadline", () => {
    const series = claim(begun(start, { maxLatenessSeconds: 60, kind: "medication" }), clock(nine)) as Series
    const [one] = series.outbox?.occurrences ?? []
    assert.deepInclude(messageOf(series, series.template as never, one as never), {
      id: "medicine-20261201T090000",
      dueAt: "2026-12-01T08:00:00.000Z",
      expiresAt: "2026-12-01T08:01:00.000Z",
      sender: "default",
      kind: "medication",
      series: { id: "medicine", occurrence: "2026-12-01T09:00:00" }
    })
  })

  it.each([
    ["2026-03-28T12:00:00Z", ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]],
    ["2026-10-24T12:00:00Z", ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]]
  ])("at 02:30 in Berlin comes once a day, when the clock changes after %s", (from, expected) => {
    let series = begun(at(from), { recurrence: { cron: "30 2 * * *" } })
    const submitted: Array<string> = []
    for (let now = at(from); now < at(from) + 46 * hour; now += 10 * minute) {
      const claimed = claim(series, clock(now))
      submitted.push(...(claimed?.outbox?.occurrences.map((one) => one.at) ?? []))
      series = emptied(claimed ?? series)
    }
    assert.deepStrictEqual(submitted, expected)
  })
})

describe("new rules of a zone", () => {
  it("move an occurrence that was looked for by the old ones: it comes at its time on the clock, once", () => {
    const stale: Series = { ...begun(start), next: { at: fromMillis(nine - hour), name: "2026-12-01T09:00:00" } }
    const moved = claim(stale, clock(nine - hour))
    assert.deepStrictEqual([names(moved), moved?.next?.at], [undefined, fromMillis(nine)])
    const claimed = claim(moved as Series, clock(nine - minute))
    assert.deepStrictEqual(names(claimed), ["2026-12-01T09:00:00"])
    assert.strictEqual(claimed?.next?.name, "2026-12-02T09:00:00")
  })
})

describe("the end of a series", () => {
  it("comes after its count, skipped ones included, and forgets what is personal", () => {
    let series = begun(start, { count: 2 })
    series = emptied(Result.getOrThrow(skip(series, undefined, why(start))))
    series = emptied(claim(series, clock(nine)) as Series)
    assert.deepInclude(series, { left: 1, status: "active" })
    const last = claim(series, clock(nine + 24 * hour)) as Series
    assert.deepStrictEqual(names(last), ["2026-12-02T09:00:00"])
    assert.deepStrictEqual(eventsOf(last), ["ended"])
    assert.isDefined(last.template)
    assert.notProperty(emptied(last), "template")
    assert.deepStrictEqual(upcoming(emptied(last), nine, 5), [])
  })
  it("is its end, which is included", () => {
    const claimed = claim(begun(start, { end: "2026-12-01T09:00:00" }), clock(nine)) as Series
    assert.deepStrictEqual([names(claimed), eventsOf(claimed)], [["2026-12-01T09:00:00"], ["ended"]])
  })
  it("comes to one that is stored with an interval refused by now, and not its second occurrence for ever", () => {
    const series = begun(start, { recurrence: { every: "PT1H" }, start: "2026-12-01T08:00:00Z" })
    const stored = { ...series, plan: { ...series.plan, recurrence: { every: "PT1.333333H" } } }
    const claimed = claim(stored, clock(nine + 2 * hour)) as Series
    assert.deepStrictEqual([names(claimed), eventsOf(claimed)], [["2026-12-01T08:00:00"], ["ended"]])
  })
  it("by a cancel is at once, and forgets what is personal", () => {
    const cancelled = cancel(begun(start), why(start))
    assert.deepInclude(cancelled, { status: "cancelled" })
    assert.notProperty(cancelled, "template")
    for (const decide of [
      pause,
      resume,
      (one: Series, because: ReturnType<typeof why>) => skip(one, undefined, because)
    ])
      assert.match(JSON.stringify(decide(cancelled, why(start))), /cancelled/)
  })
})

describe("after a time away", () => {
  it("what is in time is submitted, and the few that are not become messages that expire", () => {
    const claimed = claim(
      begun(start, { recurrence: { every: "PT20M" }, start: "2026-12-01T00:00:00Z" }),
      clock(start + 2 * hour)
    ) as Series
    assert.strictEqual(claimed.outbox?.occurrences.length, 7)
    const late = claimed.outbox?.occurrences.filter(({ expiresAt }) => toMillis(expiresAt) < start + 2 * hour)
    assert.strictEqual(late?.length, 3)
    assert.deepStrictEqual(eventsOf(claimed), [])
  })
  it("many that are not become one event, and every one is accounted for", () => {
    const week = start + 7 * 24 * hour
    let series = begun(start, { recurrence: { cron: "* * * * *" } })
    const [missed, submitted] = [new Map<string, number>(), new Set<string>()]
    for (let claimed = claim(series, clock(week)); claimed; claimed = claim(series, clock(week))) {
      for (const event of claimed.outbox?.events ?? [])
        if (event.type === "occurrences-missed") missed.set(event.from, event.count)
      for (const { name } of claimed.outbox?.occurrences ?? []) submitted.add(name)
      series = emptied(claimed)
    }
    const count = [...missed.values()].reduce((sum, one) => sum + one, 0)
    // From the first minute to a minute ahead; an hour of them is in time.
    assert.strictEqual(count + submitted.size, 7 * 24 * 60 + 2)
    assert.isAtMost(submitted.size, 62 + mostExpiring)
    assert.isAtMost(missed.size, 3)
    assert.deepInclude(series.next, { at: fromMillis(week + 2 * minute) })
  })
})

describe("a pause", () => {
  const paused = emptied(Result.getOrThrow(pause(begun(start), why(start))))
  it("submits nothing, and a resume goes on with what comes after it", () => {
    assert.isUndefined(claim(paused, clock(nine + 72 * hour)))
    const resumed = Result.getOrThrow(resume(paused, why(nine + hour)))
    assert.strictEqual(resumed.next?.name, "2026-12-02T09:00:00")
    assert.deepStrictEqual(eventsOf(resumed), ["resumed"])
  })
  it("takes nothing from a count, and may outlast the end", () => {
    const counted = emptied(Result.getOrThrow(pause(begun(start, { count: 3 }), why(start))))
    assert.deepInclude(Result.getOrThrow(resume(counted, why(nine + 25 * hour))), { left: 3, status: "active" })
    const ending = emptied(Result.getOrThrow(pause(begun(start, { end: "2026-12-03T09:00:00" }), why(start))))
    const over = Result.getOrThrow(resume(ending, why(nine + 72 * hour)))
    assert.deepStrictEqual([over.status, eventsOf(over)], ["ended", ["resumed", "ended"]])
  })
})

describe("a skip", () => {
  it("leaves out the one that is named, and no other", () => {
    const series = emptied(Result.getOrThrow(skip(begun(start), "2026-12-02T09:00:00", why(start))))
    assert.deepStrictEqual(
      upcoming(series, start, 2).map(({ name }) => name),
      ["2026-12-01T09:00:00", "2026-12-03T09:00:00"]
    )
    const first = emptied(claim(series, clock(nine)) as Series)
    const second = claim(first, clock(nine + 24 * hour)) as Series
    assert.deepStrictEqual([names(second), second.skips], [[], []])
  })
  it("refuses what is no occurrence, and what was submitted", () => {
    const series = emptied(claim(begun(start), clock(nine)) as Series)
    assert.match(JSON.stringify(skip(series, "2026-12-01T10:00:00", why(nine))), /no occurrence/)
    assert.match(JSON.stringify(skip(series, "2026-12-01T09:00:00", why(nine - 1))), /was submitted/)
  })
  it("of no occurrence by name is refused while one that was submitted is still to come: either might be meant", () => {
    const series = emptied(claim(begun(start), clock(nine - minute)) as Series)
    assert.match(JSON.stringify(skip(series, undefined, why(nine - 1_000))), /must be named: 2026-12-01T09:00:00/)
    const after = Result.getOrThrow(skip(series, undefined, why(nine + 1_000)))
    assert.deepStrictEqual(
      after.skips.map(({ name }) => name),
      ["2026-12-02T09:00:00"]
    )
  })

  it("outlives a change that leaves its occurrence as it was", () => {
    const series = emptied(Result.getOrThrow(skip(begun(start), "2026-12-02T09:00:00", why(start))))
    const skips = (command: object) =>
      Result.getOrThrow(change(series, { id: series.id, ...command }, why(start), rules(start))).skips.length
    assert.strictEqual(skips({ content: { type: "text", text: "other" } }), 1)
    assert.strictEqual(skips({ recurrence: { cron: "0 9,21 * * *" } }), 1)
    assert.strictEqual(skips({ recurrence: { cron: "0 10 * * *" } }), 0)
    assert.strictEqual(skips({ timeZone: "Europe/London" }), 0)
  })
  it("is looked for on its own day when the series is changed, and the days between are not", () => {
    const skips = Array.from({ length: 100 }, (_, n) => {
      const name = `${2030 + n}-12-01T09:00:00`
      return { at: `${2030 + n}-12-01T08:00:00.000Z`, name }
    })
    const rare = { rrule: "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TU;BYHOUR=9;BYMINUTE=0" }
    const add = vi.spyOn(Temporal.PlainDate.prototype, "add")
    const changed = change({ ...begun(start), skips }, { id: "medicine", recurrence: rare }, why(start), rules(start))
    const steps = add.mock.calls.length
    add.mockRestore()
    assert.strictEqual(Result.getOrThrow(changed).skips.length, 0)
    // Twice the way to the next 29 February that is a Tuesday.
    assert.isBelow(steps, 30_000)
  })
})

describe("a start", () => {
  it.each(["0000-01-01T00:00:00Z", "1926-11-30T00:00:00", "2036-12-03T00:00:00Z"])(
    "of %s is refused by its name: no interval is counted from ages ago",
    (begins) => {
      const refused = newSeries({ ...wanted, recurrence: { every: "P1M" }, start: begins }, rules(start))
      assert.match(JSON.stringify(refused), /"path":"start","problem":"is more than/)
    }
  )
  it.each([
    [{ every: "P1D" }, true],
    [{ rrule: "FREQ=DAILY" }, true],
    [{ rrule: "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9" }, true],
    [{ rrule: "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0" }, false],
    [{ cron: "0 9 * * *" }, false]
  ])("is asked for by %j if it counts from it: %s", (recurrence, needed) => {
    assert.strictEqual(Result.isFailure(newSeries({ ...wanted, recurrence }, rules(start))), needed)
    const kept = change(begun(start), { id: "medicine", recurrence }, why(start), rules(start))
    assert.strictEqual(Result.isFailure(kept), needed)
    const given = change(
      begun(start, { start: "2026-12-01T07:00:00" }),
      { id: "medicine", recurrence },
      why(start),
      rules(start)
    )
    assert.isTrue(Result.isSuccess(given))
  })
})

describe("a rule without a start", () => {
  it.each([
    ["FREQ=MONTHLY;BYHOUR=9;BYMINUTE=0", true],
    ["FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0", true],
    ["FREQ=YEARLY;BYMONTH=3;BYHOUR=9;BYMINUTE=0", true],
    ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=9;BYMINUTE=0", true],
    ["FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=9;BYMINUTE=0", false],
    ["FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", false],
    ["FREQ=DAILY;BYHOUR=9;BYMINUTE=0;COUNT=10", false]
  ])("that takes its day from the start, or counts from it, is refused: %s", (rrule, isRefused) => {
    const series = newSeries({ ...wanted, recurrence: { rrule } }, rules(start))
    assert.strictEqual(Result.isFailure(series), isRefused)
    if (isRefused) assert.match(JSON.stringify(series), /is required where an interval counts from it/)
  })

  it("goes on as it is when something else of it is changed", () => {
    const rrule = "FREQ=MONTHLY;BYHOUR=9;BYMINUTE=0"
    const series = { ...begun(start), plan: { recurrence: { rrule }, timeZone: "Europe/Berlin" } }
    const changed = change(series, { id: "medicine", priority: "urgent" }, why(start), rules(start))
    assert.isTrue(Result.isSuccess(changed))
  })
})

describe("a start of the hour that comes twice", () => {
  it("is refused in its second run: what comes at that time comes in the first, before the start", () => {
    const from = (begins: string) =>
      newSeries({ ...wanted, recurrence: { every: "P1D" }, start: begins }, rules(at("2026-10-24T00:00:00Z")))
    assert.match(JSON.stringify(from("2026-10-25T02:30:00+01:00")), /second run of an hour/)
    assert.strictEqual(Result.getOrThrow(from("2026-10-25T02:30:00+02:00")).next?.name, "2026-10-25T02:30:00")
    assert.isTrue(Result.isSuccess(from("2026-10-25T03:00:00+01:00")))
  })
})

describe("a command that is no command", () => {
  const told = (recurrence: object) =>
    JSON.stringify(decodeSeriesCommand("schedule-series", { ...wanted, recurrence, start: 5 }, start))
  it("is told what of its rule cannot be read, but nobody looks for what never comes", () => {
    assert.match(told({ rrule: "FREQ=SECONDLY" }), /"path":"start".*"path":"recurrence.rrule"/)
    assert.notMatch(told({ rrule: "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=9;BYMINUTE=0" }), /recurrence/)
  })
})

describe("a change", () => {
  const changedAt = (series: Series, now: number, command: object) =>
    emptied(Result.getOrThrow(change(series, { id: series.id, ...command }, why(now), rules(now))))
  it("counts from now on: what was submitted is not repeated, and no id is used twice", () => {
    const submitted = emptied(claim(begun(start), clock(nine - minute)) as Series)
    // In New York the same hand of the clock comes later that day.
    const moved = changedAt(submitted, nine - minute, { timeZone: "America/New_York" })
    const claimed = claim(moved, clock(at("2026-12-01T14:00:00Z"))) as Series
    assert.deepStrictEqual(names(claimed), ["2026-12-01T09:00:00"])
    const [one] = claimed.outbox?.occurrences ?? []
    assert.strictEqual(messageOf(claimed, claimed.template as never, one as never).id, "medicine-20261201T090000-r2")
    const earlier = changedAt(submitted, nine - minute, { recurrence: { cron: "* * * * *" } })
    assert.strictEqual(earlier.next?.name, "2026-12-01T09:01:00")
  })
  it("gives a count anew, or takes it away", () => {
    const series = emptied(claim(begun(start, { count: 2 }), clock(nine)) as Series)
    assert.strictEqual(changedAt(series, nine, {}).left, 1)
    assert.strictEqual(changedAt(series, nine, { count: 5 }).left, 5)
    assert.notProperty(changedAt(series, nine, { count: null }), "left")
  })
  it("of the zone alone is refused where the time of day is that of the start: nine would be three", () => {
    const daily = begun(start, { recurrence: { every: "P1D" }, start: "2026-12-01T09:00:00" })
    const zone = { id: "medicine", timeZone: "America/New_York" }
    assert.match(JSON.stringify(change(daily, zone, why(start), rules(start))), /required with another timeZone/)
    const moved = change(daily, { ...zone, start: "2026-12-01T09:00:00" }, why(start), rules(start))
    assert.strictEqual(Result.getOrThrow(moved).next?.at, "2026-12-01T14:00:00.000Z")
    for (const recurrence of [{ cron: "0 9 * * *" }, { every: "PT8H" }])
      assert.isTrue(
        Result.isSuccess(
          change(begun(start, { recurrence, start: "2026-12-01T09:00:00" }), zone, why(start), rules(start))
        )
      )
  })

  it("to what never comes is refused", () => {
    const command = { id: "medicine", end: "2026-12-01T09:30:00" }
    const refused = change(begun(start), command, why(nine + hour), rules(nine + hour))
    assert.match(JSON.stringify(refused), /no occurrence from now on/)
  })
})
