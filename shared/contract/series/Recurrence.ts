// When something recurs: by cron, by an interval, or by a rule of RFC 5545, on the clock of a time zone. Pure.
// Patterns are matched on the local clock as if it never changed; only then a local time becomes an instant. So a time
// that a change of the clock skips comes at the first instant after the gap, and one that occurs twice comes once.
import { Cron, Option, Result, Schema } from "effect"
import { inZone, isZone, notZone } from "../fields/Instants.ts"
import { exactlyOne } from "../fields/Words.ts"
import { parseRule, takesDayFromStart } from "./RecurrenceRule.ts"
import { searchRule } from "./RecurrenceSearch.ts"

const expression = (description: string) =>
  Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 200)).annotate({ description }))

export const Recurrence = Schema.Struct({
  cron: expression("minute hour day-of-month month day-of-week, on the local clock: 0 9 * * MON-FRI"),
  every: expression(
    "ISO 8601 duration from start on: PT8H is time elapsed, in whole seconds; P1D and longer count on the calendar"
  ),
  rrule: expression("RRULE of RFC 5545: FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0")
})
  .check(exactlyOne(["cron", "every", "rrule"]))
  .annotate({ identifier: "Recurrence", description: "One of cron, every, rrule" })
export type Recurrence = typeof Recurrence.Type

export interface Rule {
  readonly recurrence: Recurrence
  /** IANA. */
  readonly timeZone: string
  /** No occurrence before, none after. Milliseconds since the epoch. */
  readonly start: number
  readonly end?: number
}

export interface Occurrence {
  readonly at: number
  /** As the clock shows it, 2026-12-01T09:00:00; of an interval of elapsed time the instant. No two are the same. */
  readonly name: string
}

/** The first occurrence strictly after an instant; none is looked for after another. */
export type Next = (after: number, until?: number) => Option.Option<Occurrence>

/** For many questions about one rule, which is read once. A rule that cannot be read has no occurrences. */
export const occurrencesOf = (rule: Rule): Next => {
  const read = readRule(rule)
  const end = Math.min(rule.end ?? latest, latest)
  return (after, until = latest) => {
    const last = Math.min(until, end)
    const next = Result.isSuccess(read) ? read.success(Math.max(after, rule.start - 1), last) : undefined
    return next && next.at <= last ? Option.some(next) : Option.none()
  }
}

export const nextOccurrence = (rule: Rule, after: number): Option.Option<Occurrence> => occurrencesOf(rule)(after)

/** The occurrence of this name, if the rule has it. `next`: of the same rule, for who has read it. */
export const occurrenceNamed = (rule: Rule, name: string, next = occurrencesOf(rule)): Option.Option<Occurrence> => {
  const at = Result.try(() =>
    isElapsed(rule.recurrence)
      ? Temporal.Instant.from(`${name}Z`)
      : inZone(Temporal.PlainDateTime.from(name), rule.timeZone)
  )
  if (Result.isFailure(at)) return Option.none()
  const { epochMilliseconds } = at.success
  // A name leaves out what is less than a second.
  const found = next(epochMilliseconds - 1, epochMilliseconds + 999)
  return Option.filter(found, (one) => one.name === name)
}

type Problems = ReadonlyArray<{ readonly path: string; readonly problem: string }>

const pathOf = ({ recurrence }: Rule) => `recurrence.${Object.keys(recurrence)[0]}`

/** What is wrong with how a rule is written, for which no occurrence is looked for; its parts are named, never repeated. */
export const unreadable = (rule: Rule): Problems => {
  if (!isZone(rule.timeZone)) return [{ path: "timeZone", problem: notZone }]
  const read = readRule(rule)
  if (Result.isFailure(read)) return [{ path: pathOf(rule), problem: read.failure }]
  return rule.end !== undefined && rule.end < rule.start ? [{ path: "end", problem: "is before start" }] : []
}

/** What is wrong with a rule. */
export const problemsOf = (rule: Rule): Problems => {
  const written = unreadable(rule)
  if (written.length > 0 || Option.isSome(nextOccurrence(rule, rule.start - 1))) return written
  return [{ path: pathOf(rule), problem: "never occurs" }]
}

const partsOf = ({ rrule }: Recurrence) => (rrule === undefined ? undefined : Result.getOrUndefined(parseRule(rrule)))

/** Whether it takes the time of day from its start. */
export const takesTimeFromStart = (recurrence: Recurrence): boolean => {
  if (recurrence.cron !== undefined || isElapsed(recurrence)) return false
  const rule = partsOf(recurrence)
  return rule?.hours === undefined || rule.minutes === undefined
}

/** Whether it counts from its start, or takes its time or day from it: then a start that nobody named would surprise. */
export const leansOnStart = (recurrence: Recurrence): boolean => {
  if (recurrence.cron !== undefined) return false
  const rule = partsOf(recurrence)
  return !rule || takesTimeFromStart(recurrence) || rule.interval > 1 || takesDayFromStart(rule)
}

/** Whether a start lies in the second run of an hour that comes twice: all that shows that time comes in the first. */
export const startsInRepeatedHour = ({ start, timeZone }: Rule): boolean =>
  inZone(localOf(start, timeZone), timeZone).epochMilliseconds < start

const latest = Date.UTC(9999, 11, 31)

/** It need not look further than the last instant. */
type Find = (after: number, last: number) => Occurrence | undefined

/** How to find what comes, or what is wrong. The zone is one. */
const readRule = (rule: Rule): Result.Result<Find, string> => {
  const { cron, every, rrule } = rule.recurrence
  if (cron !== undefined) return byCron(rule, cron)
  if (every !== undefined) return byInterval(rule, every)
  return byRule(rule, rrule ?? "")
}

const localOf = (at: number, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDateTime()

/** A local time as an instant of a clock that never changes, for a library that knows no other, and back. */
const toPseudo = (local: Temporal.PlainDateTime) => local.toZonedDateTime("UTC").epochMilliseconds
const fromPseudo = (at: number) => localOf(at, "UTC")

/** As the clock shows it; of an hour that is lived a second time its end, for all of it has come already. */
const shownAt = (at: number, timeZone: string) => {
  const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  const shown = zoned.toPlainDateTime()
  if (inZone(shown, timeZone).epochMilliseconds >= at) return shown
  const turnedBack = zoned.add({ nanoseconds: 1 }).getTimeZoneTransition("previous") ?? zoned
  return turnedBack.subtract({ nanoseconds: 1 }).toPlainDateTime()
}

/** Each search goes on from the last local time; more than two in a row happen only where clocks change twice at once. */
const mostSearches = 10

const onLocalClock =
  (
    timeZone: string,
    nextLocal: (after: Temporal.PlainDateTime, last: number) => Temporal.PlainDateTime | undefined
  ): Find =>
  (after, last) => {
    let local: Temporal.PlainDateTime | undefined = shownAt(after, timeZone)
    for (let n = 0; n < mostSearches; n++) {
      local = nextLocal(local, last)
      if (!local) return undefined
      const at = inZone(local, timeZone).epochMilliseconds
      if (at > after) return { at, name: local.toString({ smallestUnit: "second" }) }
    }
    return undefined
  }

const byCron = ({ timeZone }: Rule, text: string): Result.Result<Find, string> => {
  const cron = Result.try(() => Result.getOrThrow(Cron.parse(text.trim(), "UTC")))
  if (Result.isFailure(cron) || text.trim().split(/\s+/).length !== 5)
    return Result.fail("must be five fields: minute hour day month weekday")
  return Result.succeed(
    onLocalClock(timeZone, (after) =>
      // It throws when it finds none in many years.
      Result.getOrUndefined(Result.try(() => fromPseudo(Cron.next(cron.success, new Date(toPseudo(after))).getTime())))
    )
  )
}

const dateUnits = ["years", "months", "weeks", "days"] as const
const isOfDays = (duration: Temporal.Duration) => dateUnits.some((unit) => duration[unit] > 0)

const isElapsed = ({ every }: Recurrence) => {
  const duration = every === undefined ? undefined : durationOf(every)
  return duration !== undefined && !isOfDays(duration)
}

/** Of days or of hours, not of both; from a minute to a hundred years, in whole seconds: an instant tells no less than a millisecond. */
const durationOf = (text: string): Temporal.Duration | undefined =>
  Result.getOrUndefined(
    Result.try(() => {
      const duration = Temporal.Duration.from(text)
      const elapsed = duration.with({ years: 0, months: 0, weeks: 0, days: 0 }).total("seconds")
      const days = duration.total({ unit: "days", relativeTo: "2026-01-01" })
      const fits = isOfDays(duration) ? elapsed === 0 : elapsed >= 60 && Number.isInteger(elapsed)
      return duration.sign > 0 && fits && days <= 36_525 ? duration : undefined
    })
  )

const byInterval = ({ start, timeZone }: Rule, text: string): Result.Result<Find, string> => {
  const duration = durationOf(text)
  if (!duration)
    return Result.fail(
      "must be a duration of days or of hours, a minute to a hundred years in whole seconds: P1D, PT8H"
    )
  if (!isOfDays(duration)) {
    const period = duration.total("milliseconds")
    return Result.succeed((after) => {
      const at = start + Math.max(0, Math.floor((after - start) / period) + 1) * period
      return at > latest ? undefined : { at, name: new Date(at).toISOString().slice(0, 19) }
    })
  }
  // Always counted from the start: a day that a short month lacks moves that occurrence, not all after it.
  const first = localOf(start, timeZone)
  const { years, months, weeks, days } = duration
  const nth = (n: number) => first.add({ years: years * n, months: months * n, weeks: weeks * n, days: days * n })
  const longestDays = 366 * years + 31 * months + 7 * weeks + days
  return Result.succeed(
    onLocalClock(timeZone, (after) => {
      // As if each were as long as it can be: at most few too early, never too late.
      let n = Math.max(0, Math.floor(first.until(after, { largestUnit: "days" }).days / longestDays))
      while (Temporal.PlainDateTime.compare(nth(n), after) <= 0) n++
      return nth(n)
    })
  )
}

const byRule = ({ start, timeZone }: Rule, text: string): Result.Result<Find, string> => {
  const rule = parseRule(text)
  if (Result.isFailure(rule)) return Result.fail(`must be an RRULE of RFC 5545, at most once a minute: ${rule.failure}`)
  const until = rule.success.until === undefined ? Result.succeed(latest) : untilOf(rule.success.until, timeZone)
  if (Result.isFailure(until)) return Result.fail("must be an RRULE of RFC 5545: UNTIL is no real time")
  const first = localOf(start, timeZone).round({ smallestUnit: "second", roundingMode: "ceil" })
  const search = searchRule(rule.success, first)
  const find = onLocalClock(timeZone, (after, last) => search(after, shownAt(last, timeZone)))
  return Result.succeed((after, last) => {
    const next = find(after, Math.min(last, until.success))
    return next && next.at <= until.success ? next : undefined
  })
}

/** An instant; a local time; or all of a local day. */
const untilOf = (text: string, timeZone: string): Result.Result<number, unknown> =>
  Result.try(() => {
    if (text.endsWith("Z")) return Temporal.Instant.from(text).epochMilliseconds
    if (text.includes("T")) return inZone(Temporal.PlainDateTime.from(text), timeZone).epochMilliseconds
    const nextDay = Temporal.PlainDate.from(text).add({ days: 1 }).toPlainDateTime()
    return inZone(nextDay, timeZone).epochMilliseconds - 1
  })
