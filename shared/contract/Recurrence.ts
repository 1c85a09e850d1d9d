// When something recurs: by cron, by an interval, or by a rule of RFC 5545, on the clock of a time zone. Pure.
// Patterns are matched on the local clock as if it never changed; only then a local time becomes an instant. So a time
// that a change of the clock skips comes at the first instant after the gap, and one that occurs twice comes once.
import { Cron, Option, Result, Schema } from "effect"
import { RRuleTemporal } from "rrule-temporal"
import { inZone } from "./Instants.ts"

const expression = (description: string) =>
  Schema.String.check(Schema.isBetweenLength(1, 200)).annotate({ description })

export const Recurrence = Schema.Union([
  Schema.Struct({
    cron: expression("minute hour day-of-month month day-of-week, on the local clock: 0 9 * * MON-FRI")
  }),
  Schema.Struct({
    every: expression("ISO 8601 duration from start on: PT8H is time elapsed, P1D and longer count on the calendar")
  }),
  Schema.Struct({ rrule: expression("RRULE of RFC 5545: FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0") })
]).annotate({ identifier: "Recurrence", description: "One of cron, every, rrule" })
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

/** The first occurrence strictly after an instant. */
export const nextOccurrence = (rule: Rule, after: number): Option.Option<Occurrence> => {
  const since = Math.max(after, rule.start - 1)
  const next = nextOf(rule)(since)
  return next && next.at <= (rule.end ?? Number.POSITIVE_INFINITY) ? Option.some(next) : Option.none()
}

/** What is wrong with a rule; its parts are named, never repeated. */
export const problemsOf = (rule: Rule): ReadonlyArray<{ readonly path: string; readonly problem: string }> => {
  if (!isZone(rule.timeZone))
    return [{ path: "timeZone", problem: "must be an IANA time zone, for example Europe/Berlin" }]
  const kind = Object.keys(rule.recurrence)[0] as "cron" | "every" | "rrule"
  const path = `recurrence.${kind}`
  const problem = unreadable(rule.recurrence)
  if (problem !== undefined) return [{ path, problem }]
  if (rule.end !== undefined && rule.end < rule.start) return [{ path: "end", problem: "is before start" }]
  return Option.isNone(nextOccurrence(rule, rule.start - 1)) ? [{ path, problem: "never occurs" }] : []
}

const isZone = (timeZone: string) =>
  Result.isSuccess(Result.try(() => Temporal.Now.instant().toZonedDateTimeISO(timeZone)))

const unreadable = (recurrence: Recurrence): string | undefined => {
  if ("cron" in recurrence)
    return cronOf(recurrence.cron) ? undefined : "must be five fields: minute hour day month weekday"
  if ("every" in recurrence) {
    return durationOf(recurrence.every)
      ? undefined
      : "must be a duration of a minute or more, of days or of hours: P1D, PT8H"
  }
  return Option.isSome(ruleOf(recurrence.rrule, Temporal.PlainDateTime.from("2026-01-01T00:00"), "UTC"))
    ? undefined
    : "must be an RRULE of RFC 5545, at most once a minute"
}

type Next = (after: number) => Occurrence | undefined

const nextOf = (rule: Rule): Next => {
  const { recurrence } = rule
  if ("cron" in recurrence) return byCron(rule, recurrence.cron)
  if ("every" in recurrence) return byInterval(rule, recurrence.every)
  return byRule(rule, recurrence.rrule)
}

const localOf = (at: number, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDateTime()

/** A local time as an instant of a clock that never changes, for libraries that know no other, and back. */
const toPseudo = (local: Temporal.PlainDateTime) => local.toZonedDateTime("UTC").epochMilliseconds
const fromPseudo = (at: number) => localOf(at, "UTC")

/** So many local times in a row may come to instants that have passed: an hour of minutes, when it is lived twice. */
const mostSkipped = 200

/** Goes on from local time to local time until one is after the instant. */
const onLocalClock =
  (timeZone: string, nextLocal: (after: Temporal.PlainDateTime) => Temporal.PlainDateTime | undefined): Next =>
  (after) => {
    let local: Temporal.PlainDateTime | undefined = localOf(after, timeZone)
    for (let n = 0; n < mostSkipped; n++) {
      local = nextLocal(local)
      if (!local) return undefined
      const at = inZone(local, timeZone).epochMilliseconds
      if (at > after) return { at, name: local.toString({ smallestUnit: "second" }) }
    }
    return undefined
  }

const cronOf = (text: string) =>
  text.trim().split(/\s+/).length === 5
    ? Option.getOrUndefined(Result.getSuccess(Cron.parse(text.trim(), "UTC")))
    : undefined

const byCron = ({ timeZone }: Rule, text: string): Next => {
  const cron = cronOf(text)
  if (!cron) return () => undefined
  return onLocalClock(timeZone, (after) =>
    // It throws when it finds none in many years.
    Result.getOrUndefined(Result.try(() => fromPseudo(Cron.next(cron, new Date(toPseudo(after))).getTime())))
  )
}

const dateUnits = ["years", "months", "weeks", "days"] as const

/** Of days or of hours, not of both; a minute or more. */
const durationOf = (text: string): Temporal.Duration | undefined => {
  const duration = Result.getOrUndefined(Result.try(() => Temporal.Duration.from(text)))
  if (!duration || duration.sign <= 0) return undefined
  const ofDays = dateUnits.some((unit) => duration[unit] > 0)
  const time = duration.with({ years: 0, months: 0, weeks: 0, days: 0 })
  const elapsed = time.total("minutes")
  return ofDays ? (elapsed === 0 ? duration : undefined) : elapsed >= 1 ? duration : undefined
}

const byInterval = ({ start, timeZone }: Rule, text: string): Next => {
  const duration = durationOf(text)
  if (!duration) return () => undefined
  if (!dateUnits.some((unit) => duration[unit] > 0)) {
    const period = duration.total("milliseconds")
    return (after) => {
      const at = start + Math.max(0, Math.floor((after - start) / period) + 1) * period
      return { at, name: new Date(at).toISOString().slice(0, 19) }
    }
  }
  // Always counted from the start: a day that a short month lacks moves that occurrence, not all after it.
  const first = localOf(start, timeZone)
  const nth = (n: number) =>
    first.add({
      years: duration.years * n,
      months: duration.months * n,
      weeks: duration.weeks * n,
      days: duration.days * n
    })
  const days = duration.total({ unit: "days", relativeTo: first.toPlainDate() })
  return onLocalClock(timeZone, (after) => {
    let n = Math.max(0, Math.floor(first.until(after, { largestUnit: "days" }).days / days) - 2)
    while (Temporal.PlainDateTime.compare(nth(n), after) <= 0) n++
    return nth(n)
  })
}

const ruleOf = (text: string, start: Temporal.PlainDateTime, timeZone: string): Option.Option<RRuleTemporal> => {
  if (/BYSECOND|FREQ=SECONDLY|DTSTART|\n/i.test(text)) return Option.none()
  // An UNTIL in UTC is compared with local times.
  const local = text.replace(
    /UNTIL=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/i,
    (_, y, mo, d, h, mi, s) => `UNTIL=${compact(localOf(Date.UTC(y, mo - 1, d, h, mi, s), timeZone))}Z`
  )
  return Result.getSuccess(
    Result.try(() => new RRuleTemporal({ rruleString: `DTSTART;TZID=UTC:${compact(start)}\nRRULE:${local}` }))
  )
}

const compact = (local: Temporal.PlainDateTime) => local.toString({ smallestUnit: "second" }).replace(/[-:]/g, "")

const byRule = ({ start, timeZone }: Rule, text: string): Next => {
  const rule = Option.getOrUndefined(
    ruleOf(text, localOf(start, timeZone).round({ smallestUnit: "second", roundingMode: "ceil" }), timeZone)
  )
  if (!rule) return () => undefined
  return onLocalClock(timeZone, (after) => {
    const next = Result.getOrUndefined(Result.try(() => rule.next(new Date(toPseudo(after)), false)))
    return next ? fromPseudo(next.epochMilliseconds) : undefined
  })
}
