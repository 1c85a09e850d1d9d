// Rules of RFC 5545 on a local clock that never changes: read strictly; RecurrenceSearch.ts finds what they mean. Pure.
import { Result } from "effect"

const frequencies = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"] as const
const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

interface Weekday {
  /** 1 is Monday. */
  readonly day: number
  /** Which of them in the month or year, from its end if negative; 0 is every one. */
  readonly nth: number
}

export interface RecurrenceRule {
  readonly frequency: (typeof frequencies)[number]
  readonly interval: number
  readonly count: number | undefined
  /** As it was written: a local date, a local time, or an instant. */
  readonly until: string | undefined
  readonly months: ReadonlyArray<number> | undefined
  readonly monthDays: ReadonlyArray<number> | undefined
  readonly yearDays: ReadonlyArray<number> | undefined
  readonly weeks: ReadonlyArray<number> | undefined
  readonly days: ReadonlyArray<Weekday> | undefined
  readonly hours: ReadonlyArray<number> | undefined
  readonly minutes: ReadonlyArray<number> | undefined
  readonly positions: ReadonlyArray<number> | undefined
  readonly weekStart: number
}

const numbers = (low: number, high: number, signed = false) => ({
  says: `numbers from ${low} to ${high}${signed ? ", or from the end with a minus" : ""}`,
  fits: (text: string) =>
    text.split(",").every((one) => {
      const size = Number(signed ? one.replace(/^[+-]/, "") : one)
      return /^[+-]?\d{1,3}$/.test(one) && size >= low && size <= high
    })
})
const oneOf = (...words: ReadonlyArray<string>) => ({
  says: `one of ${words.join(", ")}`,
  fits: (text: string) => words.includes(text)
})
const upTo = (most: number) => ({
  says: `a number from 1 to ${most}`,
  fits: (text: string) => /^[1-9]\d*$/.test(text) && Number(text) <= most
})
const matching = (pattern: RegExp, says: string) => ({ says, fits: (text: string) => pattern.test(text) })

const parts = {
  FREQ: oneOf(...frequencies),
  INTERVAL: upTo(10_000),
  COUNT: upTo(10_000),
  UNTIL: matching(/^\d{8}(T\d{6}Z?)?$/, "like 20261231T120000Z"),
  BYMONTH: numbers(1, 12),
  BYMONTHDAY: numbers(1, 31, true),
  BYYEARDAY: numbers(1, 366, true),
  BYWEEKNO: numbers(1, 53, true),
  BYDAY: matching(
    /^([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU))*$/,
    "like MO,WE or 3FR"
  ),
  BYHOUR: numbers(0, 23),
  BYMINUTE: numbers(0, 59),
  BYSETPOS: numbers(1, 366, true),
  WKST: oneOf(...weekdays)
} as const
type Part = keyof typeof parts
type Given = { readonly [Name in Part]?: string }

/** What the parts may not be to each other: as RFC 5545 has it, or because nobody agrees on what it means. */
const clashes: ReadonlyArray<readonly [problem: string, (given: Given) => unknown]> = [
  ["COUNT and UNTIL exclude each other", ({ COUNT, UNTIL }) => COUNT && UNTIL],
  ["BYWEEKNO is for YEARLY, and needs BYDAY", ({ FREQ, BYDAY, BYWEEKNO }) => BYWEEKNO && !(FREQ === "YEARLY" && BYDAY)],
  ["BYWEEKNO counts weeks from Monday", ({ BYWEEKNO, WKST = "MO" }) => BYWEEKNO && WKST !== "MO"],
  ["BYMONTHDAY is not for WEEKLY", ({ FREQ, BYMONTHDAY }) => BYMONTHDAY && FREQ === "WEEKLY"],
  [
    "BYYEARDAY is not for MONTHLY, WEEKLY, DAILY",
    ({ FREQ = "", BYYEARDAY }) => BYYEARDAY && ["MONTHLY", "WEEKLY", "DAILY"].includes(FREQ)
  ],
  [
    "BYDAY has numbers only in MONTHLY and YEARLY, without BYWEEKNO",
    ({ FREQ = "", BYDAY = "", BYWEEKNO }) => /\d/.test(BYDAY) && (BYWEEKNO || !["YEARLY", "MONTHLY"].includes(FREQ))
  ],
  [
    "BYSETPOS chooses among what other BY parts give",
    (given) => given.BYSETPOS && !Object.keys(given).some((name) => /^BY(?!SETPOS)/.test(name))
  ],
  [
    "BYSETPOS is not for HOURLY and MINUTELY",
    ({ FREQ = "", BYSETPOS }) => BYSETPOS && ["HOURLY", "MINUTELY"].includes(FREQ)
  ]
]

/** The rule, or what is wrong with it: its parts are named, their values not repeated. */
export const parseRule = (text: string): Result.Result<RecurrenceRule, string> => {
  const given: { [Name in Part]?: string } = {}
  for (const part of text.trim().replace(/;$/, "").toUpperCase().split(";")) {
    const [name = "", value, ...rest] = part.split("=")
    if (!isPart(name)) return Result.fail("it has a part that no rule has")
    if (given[name] !== undefined) return Result.fail(`${name} stands there twice`)
    if (value === undefined || rest.length > 0 || !parts[name].fits(value))
      return Result.fail(`${name} must be ${parts[name].says}`)
    given[name] = value
  }
  if (given.FREQ === undefined) return Result.fail(`FREQ must be ${parts.FREQ.says}`)
  const clash = clashes.find(([, is]) => is(given))
  return clash ? Result.fail(clash[0]) : Result.succeed(ruleOf(given))
}

/** Whether the start says on which day of its week, month or year it comes. */
export const takesDayFromStart = ({ days, frequency, monthDays, yearDays }: RecurrenceRule): boolean => {
  if (days) return false
  if (frequency === "WEEKLY") return true
  return (frequency === "MONTHLY" || frequency === "YEARLY") && !monthDays && !yearDays
}

const isPart = (name: string): name is Part => Object.hasOwn(parts, name)

const ruleOf = (given: Given): RecurrenceRule => {
  const list = (text: string | undefined) => text?.split(",").map(Number)
  return {
    frequency: given.FREQ as RecurrenceRule["frequency"],
    interval: Number(given.INTERVAL ?? 1),
    count: given.COUNT === undefined ? undefined : Number(given.COUNT),
    until: given.UNTIL,
    months: list(given.BYMONTH),
    monthDays: list(given.BYMONTHDAY),
    yearDays: list(given.BYYEARDAY),
    weeks: list(given.BYWEEKNO),
    days: given.BYDAY?.split(",").map((one) => ({
      day: weekdays.indexOf(one.slice(-2)) + 1,
      nth: Number(one.slice(0, -2))
    })),
    hours: list(given.BYHOUR),
    minutes: list(given.BYMINUTE),
    positions: list(given.BYSETPOS),
    weekStart: weekdays.indexOf(given.WKST ?? "MO") + 1
  }
}
