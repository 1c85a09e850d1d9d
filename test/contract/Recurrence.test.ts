// When something recurs: over changes of the clock, short months, ends; and never early, doubled or out of order.
import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import fc from "fast-check"
import {
  nextOccurrence,
  occurrenceNamed,
  problemsOf,
  type Recurrence,
  type Rule
} from "#shared/contract/series/Recurrence.ts"

const berlin = "Europe/Berlin"
const rule = (recurrence: Recurrence, start: string, more: Partial<Rule> = {}): Rule => ({
  recurrence,
  timeZone: berlin,
  start: Date.parse(start),
  ...more
})

const first = (count: number, of: Rule, after = of.start - 1) => {
  const times: Array<number> = []
  for (let at = after; times.length < count; ) {
    const next = nextOccurrence(of, at)
    if (Option.isNone(next)) break
    at = next.value.at
    times.push(at)
  }
  return times
}
const inUtc = (times: ReadonlyArray<number>) => times.map((at) => new Date(at).toISOString().slice(0, 16))

describe("by cron", () => {
  it("keeps to the local clock when it changes", () => {
    assert.deepStrictEqual(inUtc(first(3, rule({ cron: "0 9 * * *" }, "2026-03-28T00:00:00Z"))), [
      "2026-03-28T08:00",
      "2026-03-29T07:00",
      "2026-03-30T07:00"
    ])
  })
  it("comes at the first instant after a gap, when its time is skipped", () => {
    assert.deepStrictEqual(inUtc(first(3, rule({ cron: "30 2 * * *" }, "2026-03-28T00:00:00Z"))), [
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30"
    ])
  })
  it("comes once, when its time occurs twice", () => {
    assert.deepStrictEqual(inUtc(first(3, rule({ cron: "30 2 * * *" }, "2026-10-24T00:00:00Z"))), [
      "2026-10-24T00:30",
      "2026-10-25T00:30",
      "2026-10-26T01:30"
    ])
  })
  it("is one occurrence where several local times come to one instant", () => {
    assert.deepStrictEqual(inUtc(first(3, rule({ cron: "*/15 * * * *" }, "2026-03-29T00:45:00Z"))), [
      "2026-03-29T00:45",
      "2026-03-29T01:00",
      "2026-03-29T01:15"
    ])
  })
  it("has all of an hour that is lived twice in its first life only, to the minute", () => {
    const minutes = rule({ cron: "* * * * *" }, "2026-10-25T00:58:30Z")
    assert.deepStrictEqual(inUtc(first(3, minutes)), ["2026-10-25T00:59", "2026-10-25T02:00", "2026-10-25T02:01"])
    const within = first(1, minutes, Date.parse("2026-10-25T01:20:00Z"))
    assert.deepStrictEqual(inUtc(within), ["2026-10-25T02:00"])
  })
  it("crosses a day that a zone never had", () => {
    const apia = rule({ cron: "0 9 * * *" }, "2011-12-29T12:00:00Z", { timeZone: "Pacific/Apia" })
    assert.deepStrictEqual(inUtc(first(3, apia)), ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"])
  })
  it("goes on over the end of a year, and waits for leap days", () => {
    assert.deepStrictEqual(inUtc(first(2, rule({ cron: "0 0 * * *" }, "2026-12-31T00:00:00Z"))), [
      "2026-12-31T23:00",
      "2027-01-01T23:00"
    ])
    assert.deepStrictEqual(inUtc(first(2, rule({ cron: "0 9 29 2 *" }, "2026-12-31T00:00:00Z"))), [
      "2028-02-29T08:00",
      "2032-02-29T08:00"
    ])
    assert.deepStrictEqual(inUtc(first(2, rule({ cron: "0 9 31 * *" }, "2027-01-31T12:00:00Z"))), [
      "2027-03-31T07:00",
      "2027-05-31T07:00"
    ])
  })
  it("knows midnights that do not exist", () => {
    const beirut = rule({ cron: "0 0 * * *" }, "2026-03-28T12:00:00Z", { timeZone: "Asia/Beirut" })
    assert.deepStrictEqual(inUtc(first(2, beirut)), ["2026-03-28T22:00", "2026-03-29T21:00"])
  })
  it("takes names, and weekdays as cron has them", () => {
    assert.deepStrictEqual(inUtc(first(3, rule({ cron: "0 9 * * MON-FRI" }, "2026-12-04T00:00:00Z"))), [
      "2026-12-04T08:00",
      "2026-12-07T08:00",
      "2026-12-08T08:00"
    ])
  })
})

describe("by an interval", () => {
  it("of hours is time elapsed, whatever the clock shows", () => {
    assert.deepStrictEqual(inUtc(first(4, rule({ every: "PT8H" }, "2026-03-28T20:00:00Z"))), [
      "2026-03-28T20:00",
      "2026-03-29T04:00",
      "2026-03-29T12:00",
      "2026-03-29T20:00"
    ])
  })
  it("of days keeps the local time", () => {
    assert.deepStrictEqual(inUtc(first(2, rule({ every: "P1D" }, "2026-03-28T08:00:00Z"))), [
      "2026-03-28T08:00",
      "2026-03-29T07:00"
    ])
  })
  it("of months ends short months at their last day, and does not stay there", () => {
    assert.deepStrictEqual(inUtc(first(4, rule({ every: "P1M" }, "2026-01-31T08:00:00Z"))), [
      "2026-01-31T08:00",
      "2026-02-28T08:00",
      "2026-03-31T07:00",
      "2026-04-30T07:00"
    ])
  })
  it("of months leaves out none, whichever month it began in", () => {
    const february = rule({ every: "P1M" }, "2026-02-01T08:00:00Z", { timeZone: "UTC" })
    const consecutive = Array.from({ length: 60 }, (_, n) => new Date(Date.UTC(2026, 1 + n, 1, 8)).getTime())
    assert.deepStrictEqual(first(60, february), consecutive)
    const asked = Date.parse("2026-12-01T09:00:00Z")
    assert.deepStrictEqual(inUtc(first(2, rule({ every: "P1M" }, "2022-02-01T08:00:00Z"), asked)), [
      "2027-01-01T08:00",
      "2027-02-01T08:00"
    ])
  })
  it("of days, months or years is the nth from the start, however long ago that was", () => {
    const starts = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2000, 0) })
    const intervals = fc.constantFrom("P1D", "P10D", "P3W", "P1M", "P2M", "P13M", "P1Y", "P4Y", "P1Y1M", "P1M1W1D")
    fc.assert(
      fc.property(starts, intervals, fc.nat(1_000), (start, every, n) => {
        const began = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO("UTC")
        const { years, months, weeks, days } = Temporal.Duration.from(every)
        const nth = (n: number) =>
          began.add({ years: years * n, months: months * n, weeks: weeks * n, days: days * n }).epochMilliseconds
        const of = { recurrence: { every }, timeZone: "UTC", start }
        assert.deepStrictEqual(first(3, of, nth(n) - 1), [nth(n), nth(n + 1), nth(n + 2)])
      }),
      { numRuns: 300 }
    )
  })
  it("is found at once, long after it began", () => {
    const old = rule({ every: "P1W" }, "1999-01-01T08:00:00Z")
    assert.deepStrictEqual(inUtc(first(1, old, Date.parse("2026-12-01T00:00:00Z"))), ["2026-12-04T08:00"])
  })
})

describe("by a rule of RFC 5545", () => {
  it("finds third Fridays and last days", () => {
    const friday = { rrule: "FREQ=MONTHLY;BYDAY=3FR;BYHOUR=9;BYMINUTE=0" }
    assert.deepStrictEqual(inUtc(first(2, rule(friday, "2026-12-01T00:00:00Z"))), [
      "2026-12-18T08:00",
      "2027-01-15T08:00"
    ])
    const last = { rrule: "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;BYMINUTE=0" }
    assert.deepStrictEqual(inUtc(first(2, rule(last, "2027-02-01T00:00:00Z"))), [
      "2027-02-28T08:00",
      "2027-03-31T07:00"
    ])
  })
  it("keeps to its count, its interval and its end", () => {
    const start = "2026-12-01T08:00:00Z"
    assert.strictEqual(first(9, rule({ rrule: "FREQ=DAILY;COUNT=3" }, start)).length, 3)
    assert.deepStrictEqual(inUtc(first(2, rule({ rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU" }, start))), [
      "2026-12-01T08:00",
      "2026-12-15T08:00"
    ])
    assert.strictEqual(first(9, rule({ rrule: "FREQ=DAILY;UNTIL=20261203T080000Z" }, start)).length, 3)
  })
  it("waits for leap years", () => {
    const leap = { rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=9;BYMINUTE=0" }
    assert.deepStrictEqual(inUtc(first(1, rule(leap, "2026-12-01T00:00:00Z"))), ["2028-02-29T08:00"])
  })
})

describe("a rule", () => {
  const problems = (recurrence: Recurrence, more: Partial<Rule> = {}) =>
    problemsOf(rule(recurrence, "2026-12-01T00:00:00Z", more)).map(({ path, problem }) => `${path} ${problem}`)
  it("that cannot be read or never occurs is told, by its part", () => {
    assert.match(problems({ cron: "0 9 * *" })[0] ?? "", /^recurrence.cron must be five fields/)
    assert.match(problems({ cron: "0 9 31 2 *" })[0] ?? "", /^recurrence.cron never occurs/)
    assert.match(problems({ every: "PT10S" })[0] ?? "", /^recurrence.every must be/)
    assert.match(problems({ every: "P1DT2H" })[0] ?? "", /^recurrence.every must be/)
    for (const every of ["PT1.333333H", "PT1M0.0001S", "PT90.5S"])
      assert.match(problems({ every })[0] ?? "", /^recurrence.every must be .* in whole seconds/)
    assert.match(problems({ rrule: "FREQ=SECONDLY" })[0] ?? "", /^recurrence.rrule must be/)
    assert.match(problems({ rrule: "every day" })[0] ?? "", /^recurrence.rrule must be/)
    for (const timeZone of ["Mars/Base", "+02:00", "2026-12-01T09:00Z", "T09:00+02:00"])
      assert.match(problems({ cron: "0 9 * * *" }, { timeZone })[0] ?? "", /^timeZone/)
    assert.match(problems({ cron: "0 9 * * *" }, { end: 0 })[0] ?? "", /^end is before start/)
    assert.deepStrictEqual(problems({ cron: "0 9 * * *" }), [])
  })
  it("of unreasonable size is refused, not searched", () => {
    for (const every of ["P99999999Y", "P104249991374D", "PT99999999999999H", "P101Y", "PT999999999H"])
      assert.match(problems({ every })[0] ?? "", /^recurrence.every must be/)
    assert.match(problems({ every: "P1D" }, { start: Date.UTC(9999, 11, 31, 12) })[0] ?? "", /never occurs/)
  })
  it("knows its occurrences by their names", () => {
    const named = (recurrence: Recurrence, name: string) =>
      Option.map(occurrenceNamed(rule(recurrence, "2026-03-01T08:00:00.250Z"), name), ({ at }) =>
        new Date(at).toISOString()
      )
    const found = Option.some
    assert.deepStrictEqual(named({ cron: "30 2 * * *" }, "2026-03-29T02:30:00"), found("2026-03-29T01:00:00.000Z"))
    assert.deepStrictEqual(named({ every: "PT8H" }, "2026-03-29T00:00:00"), found("2026-03-29T00:00:00.250Z"))
    assert.deepStrictEqual(named({ cron: "*/15 2 * * *" }, "2026-03-29T02:00:00"), found("2026-03-29T01:00:00.000Z"))
    // It is one with the occurrence before.
    assert.deepStrictEqual(named({ cron: "*/15 2 * * *" }, "2026-03-29T02:30:00"), Option.none())
    assert.deepStrictEqual(named({ cron: "30 2 * * *" }, "2026-03-29T02:31:00"), Option.none())
    assert.deepStrictEqual(named({ cron: "30 2 * * *" }, "yesterday"), Option.none())
  })
  it("has its end as its last instant", () => {
    const day = rule({ cron: "0 9 * * *" }, "2026-12-01T00:00:00Z", { end: Date.parse("2026-12-03T08:00:00Z") })
    assert.strictEqual(first(9, day).length, 3)
  })

  const recurrences = fc.constantFrom<Recurrence>(
    { cron: "30 2 * * *" },
    { cron: "*/20 1-3 * * *" },
    { cron: "0 0 1 * *" },
    { every: "PT45M" },
    { every: "P1D" },
    { every: "P1M" },
    { rrule: "FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=2;BYMINUTE=30" },
    { rrule: "FREQ=MINUTELY;INTERVAL=7" },
    { rrule: "FREQ=MONTHLY;BYMONTHDAY=-1" }
  )
  const zones = fc.constantFrom(
    berlin,
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "UTC"
  )
  const instants = fc.integer({ min: Date.UTC(2010, 0), max: Date.UTC(2030, 0) })

  it("goes strictly forwards, never before its start, and says the same of an instant whenever it is asked", () => {
    fc.assert(
      fc.property(recurrences, zones, instants, (recurrence, timeZone, start) => {
        const of = { recurrence, timeZone, start }
        const times = first(30, of)
        assert.strictEqual(times.length, 30)
        times.forEach((at, index) => {
          assert.isAtLeast(at, start)
          if (index > 0) assert.isAbove(at, times[index - 1] as number)
          assert.deepStrictEqual(first(1, of, at - 1), [at])
        })
      }),
      { numRuns: 150 }
    )
  })
  it("names each occurrence differently, and finds it by its name", () => {
    fc.assert(
      fc.property(recurrences, zones, instants, (recurrence, timeZone, start) => {
        const of = { recurrence, timeZone, start }
        const found = first(30, of).map((at) => Option.getOrThrow(nextOccurrence(of, at - 1)))
        assert.strictEqual(new Set(found.map(({ name }) => name)).size, 30)
        for (const one of found) assert.deepStrictEqual(occurrenceNamed(of, one.name), Option.some(one))
      }),
      { numRuns: 100 }
    )
  })
})
