// Rules of RFC 5545: read strictly, found as another implementation finds them, and never searched for long.
import { assert, describe, it, vi } from "@effect/vitest"
import { Option, Result } from "effect"
import fc from "fast-check"
import { RRuleTemporal } from "rrule-temporal"
import { nextOccurrence, occurrenceNamed, occurrencesOf, problemsOf } from "#shared/contract/series/Recurrence.ts"
import { parseRule } from "#shared/contract/series/RecurrenceRule.ts"
import { searchRule } from "#shared/contract/series/RecurrenceSearch.ts"

const problem = (text: string) => {
  const parsed = parseRule(text)
  return Result.isFailure(parsed) ? parsed.failure : "none"
}

describe("reading a rule", () => {
  it.each([
    ["FREQ=DAILY;BYHUOR=9", "a part that no rule has"],
    ["RSCALE=HEBREW;FREQ=YEARLY", "a part that no rule has"],
    ["FREQ=DAILY\nEXDATE:20261203T080000", "FREQ"],
    ["FREQ=DAILY;FREQ=WEEKLY", "FREQ stands there twice"],
    ["INTERVAL=2", "FREQ must be"],
    ["FREQ=SECONDLY", "FREQ must be"],
    ["FREQ=DAILY;INTERVAL=0", "INTERVAL"],
    ["FREQ=DAILY;INTERVAL=100000", "INTERVAL"],
    ["FREQ=DAILY;COUNT=-1", "COUNT"],
    ["FREQ=DAILY;COUNT=3;UNTIL=20261203T080000Z", "COUNT and UNTIL"],
    ["FREQ=DAILY;BYHOUR=24", "BYHOUR"],
    ["FREQ=DAILY;BYHOUR=9,", "BYHOUR"],
    ["FREQ=DAILY;BYHOUR=", "BYHOUR"],
    ["FREQ=DAILY;BYDAY=1MO", "BYDAY has numbers only"],
    ["FREQ=WEEKLY;BYDAY=XX", "BYDAY"],
    ["FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"],
    ["FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY"],
    ["FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"],
    ["FREQ=DAILY;BYSETPOS=1", "BYSETPOS"],
    ["FREQ=DAILY;UNTIL=soon", "UNTIL"]
  ])("refuses %s for its part, and does not repeat its value", (text, part) => assert.include(problem(text), part))

  it("takes it in any case, with a semicolon at its end", () => {
    assert.deepStrictEqual(parseRule("freq=daily;byhour=9;"), parseRule("FREQ=DAILY;BYHOUR=9"))
  })

  it.each([
    ["UNTIL=20261203T080000Z", 3],
    ["UNTIL=20261203T090000", 3],
    ["UNTIL=20261203T085959", 2],
    ["UNTIL=20261203", 3]
  ])("ends with %s: an instant, a local time, or all of a local day", (until, count) => {
    const start = Date.parse("2026-12-01T08:00:00Z")
    const rule = { recurrence: { rrule: `FREQ=DAILY;${until}` }, timeZone: "Europe/Berlin", start }
    let times = 0
    for (let at = start - 1; ; times++) {
      const next = nextOccurrence(rule, at)
      if (Option.isNone(next)) break
      at = next.value.at
    }
    assert.strictEqual(times, count)
  })
})

const numbers = (low: number, high: number, signed = false) =>
  fc
    .uniqueArray(
      fc.tuple(fc.integer({ min: low, max: high }), fc.boolean()).map(([n, minus]) => (signed && minus ? -n : n)),
      { minLength: 1, maxLength: 3 }
    )
    .map((list) => list.join(","))
const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
const weekdayList = (prefixes: ReadonlyArray<string>) =>
  fc
    .uniqueArray(
      fc.tuple(fc.constantFrom(...prefixes), fc.constantFrom(...weekdays)).map((pair) => pair.join("")),
      { minLength: 1, maxLength: 3 }
    )
    .map((list) => list.join(","))
const maybe = (name: string, values: fc.Arbitrary<string | number>) =>
  fc.option(values, { nil: undefined }).map((value) => (value === undefined ? [] : [`${name}=${value}`]))

/** Where the other implementation is right: it errs on YEARLY with several kinds of day at once. */
const rules = fc.constantFrom("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY").chain((frequency) => {
  const numbered = frequency === "YEARLY" || frequency === "MONTHLY"
  const days = [
    fc.constant([]),
    maybe("BYDAY", weekdayList([""])),
    ...(numbered ? [maybe("BYDAY", weekdayList(["1", "2", "5", "-1", "-2"]))] : []),
    ...(frequency === "WEEKLY" ? [] : [maybe("BYMONTHDAY", numbers(1, 31, true))]),
    ...(frequency === "YEARLY" ? [maybe("BYYEARDAY", numbers(1, 366, true))] : [])
  ]
  return fc
    .tuple(
      maybe("INTERVAL", fc.integer({ min: 1, max: frequency === "MINUTELY" ? 90 : 6 })),
      maybe("COUNT", fc.integer({ min: 1, max: 100 })),
      maybe("BYMONTH", numbers(1, 12)),
      fc.oneof(...days),
      maybe("BYHOUR", numbers(0, 23)),
      maybe("BYMINUTE", numbers(0, 59)),
      frequency === "HOURLY" || frequency === "MINUTELY" ? fc.constant([]) : maybe("BYSETPOS", numbers(1, 3, true)),
      frequency === "WEEKLY" ? maybe("WKST", fc.constantFrom(...weekdays)) : fc.constant([])
    )
    .map((parts) => [`FREQ=${frequency}`, ...parts.flat()])
    .filter((parts) => parts.some((part) => /^BY(?!SETPOS)/.test(part)) || !parts.some((p) => p.startsWith("BYSET")))
    .map((parts) => parts.join(";"))
})

const starts = fc
  .tuple(fc.integer({ min: 0, max: 3_650 }), fc.integer({ min: 0, max: 1_439 }), fc.constantFrom(0, 17))
  .map(([days, minutes, seconds]) => Temporal.PlainDateTime.from("2015-01-01T00:00").add({ days, minutes, seconds }))

/** It gives up with an error after ten thousand tries. */
const asTheOtherSays = (text: string, start: Temporal.PlainDateTime, after: Temporal.PlainDateTime) =>
  Result.try(() =>
    new RRuleTemporal({
      rruleString: `DTSTART;TZID=UTC:${start.toString({ smallestUnit: "second" }).replace(/[-:]/g, "")}\nRRULE:${text}`
    })
      .next(new Date(after.toZonedDateTime("UTC").epochMilliseconds), false)
      ?.toPlainDateTime()
      .toString()
  )

describe("finding what comes", () => {
  it("agrees with another implementation, near the start and far from it", () => {
    let agreed = 0
    fc.assert(
      fc.property(rules, starts, fc.nat(2_000_000), (text, start, later) => {
        const find = searchRule(Result.getOrThrow(parseRule(text)), start)
        let after = start.add({ minutes: text.includes("COUNT") ? later % 100_000 : later })
        for (let n = 0; n < 4; n++) {
          const other = asTheOtherSays(text, start, after)
          const own = find(after)
          // Beyond two lifetimes both may stop looking where they like.
          if (Result.isFailure(other) || (other.success ?? "2090") >= "2090") return
          assert.strictEqual(own?.toString(), other.success)
          if (!own) return
          agreed++
          after = own
        }
      }),
      { numRuns: 150 }
    )
    assert.isAbove(agreed, 150)
  })

  // In these the other implementation is wrong, or stops looking.
  it.each([
    ["FREQ=YEARLY;BYDAY=2FR,WE", "2026-12-28T09:30", "2026-12-30T09:30:00"],
    ["FREQ=YEARLY;BYMONTHDAY=31;BYYEARDAY=31,32", "2026-06-01T00:00", "2027-01-31T09:30:00"],
    ["FREQ=MINUTELY;INTERVAL=10;BYMONTH=3;BYDAY=SU;BYMINUTE=20", "2026-04-01T00:00", "2027-03-07T00:20:00"],
    ["FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2027-01-01T00:00", "2032-12-27T09:30:00"],
    ["FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", "2026-01-05T00:00", "2027-01-03T09:30:00"]
  ])("finds %s after %s", (text, after, expected) => {
    const find = searchRule(Result.getOrThrow(parseRule(text)), Temporal.PlainDateTime.from("2020-01-01T09:30"))
    assert.strictEqual(find(Temporal.PlainDateTime.from(after))?.toString({ smallestUnit: "second" }), expected)
  })

  // Each day that is looked at is reached by one step of a date, each period by another.
  const stepsOf = (search: () => void) => {
    const add = vi.spyOn(Temporal.PlainDate.prototype, "add")
    search()
    const steps = add.mock.calls.length
    add.mockRestore()
    return steps
  }
  const everyDayOfFirstWeeks = "BYWEEKNO=1;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=9;BYMINUTE=0"

  it("of what is counted looks at so many days in all, however long ago it began", () => {
    const start = Date.parse("0000-01-01T00:00:00Z")
    const rrule = `FREQ=YEARLY;COUNT=10000;${everyDayOfFirstWeeks}`
    const steps = stepsOf(() => {
      const next = nextOccurrence({ recurrence: { rrule }, timeZone: "UTC", start }, Date.UTC(2026, 11))
      assert.deepStrictEqual(next, Option.none())
    })
    assert.isBelow(steps, 30_000)
  })

  it("of what is counted counts once, however often it is asked", () => {
    const start = Date.UTC(2020, 0)
    const rrule = `FREQ=YEARLY;COUNT=300;${everyDayOfFirstWeeks}`
    const steps = stepsOf(() => {
      const next = occurrencesOf({ recurrence: { rrule }, timeZone: "UTC", start })
      for (let year = 2021; year < 2060; year++) assert.isTrue(Option.isSome(next(Date.UTC(year, 5))))
    })
    assert.isBelow(steps, 16_000)
  })

  it("of a name ends where it would be", () => {
    const rule = {
      recurrence: { rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29" },
      timeZone: "UTC",
      start: Date.UTC(2020, 0)
    }
    const steps = stepsOf(() => {
      assert.deepStrictEqual(occurrenceNamed(rule, "2097-02-01T00:00:00"), Option.none())
      assert.isTrue(Option.isSome(occurrenceNamed(rule, "2104-02-29T00:00:00")))
    })
    assert.isBelow(steps, 1_000)
  })

  it("of one that never comes is over soon, and said", () => {
    for (const rrule of [
      "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
      "FREQ=YEARLY;INTERVAL=10000;BYMONTH=2;BYMONTHDAY=30",
      "FREQ=DAILY;INTERVAL=10000;BYMONTH=2;BYMONTHDAY=30;COUNT=10000",
      "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5",
      "FREQ=YEARLY;BYDAY=53MO;BYMONTH=2"
    ]) {
      const begun = performance.now()
      const found = problemsOf({ recurrence: { rrule }, timeZone: "Europe/Berlin", start: Date.UTC(1990, 0) })
      assert.deepStrictEqual(found, [{ path: "recurrence.rrule", problem: "never occurs" }])
      assert.isBelow(performance.now() - begun, 3_000)
    }
  })
})
