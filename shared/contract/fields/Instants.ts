// Turns the times people write into instants: RFC 3339 with an offset, or a local time in a named zone.
import { Result } from "effect"
import type { Instant } from "./Fields.ts"

export interface TimeProblem {
  readonly field: "time" | "timeZone"
  readonly problem: string
}

// No second 60: Temporal takes it for 59, which would be early.
const dateTime = String.raw`\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:[0-5]\d([.]\d{1,9})?)?`
const withOffset = new RegExp(`^${dateTime}([Zz]|[+-]\\d\\d:\\d\\d)$`)
const local = new RegExp(`^${dateTime}$`)

export const toMillis = (instant: Instant): number => Date.parse(instant)

const instantLength = "2026-12-01T09:00:00.000Z".length
const dayMillis = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"))
const two = (number: number) => twoDigits[Math.floor(number)]
/** The day of the last instant that was written: most are of the same. */
let written = { day: Number.NaN, date: "" }

/** What `toISOString` says, in a quarter of its time: every message has some of them. */
export const fromMillis = (millis: number): Instant => {
  const whole = Math.trunc(millis)
  const day = Math.floor(whole / dayMillis)
  if (day !== written.day) written = { day, date: new Date(whole).toISOString().slice(0, -"00:00:00.000Z".length) }
  const time = whole - day * dayMillis
  const clock = `${two(time / 3_600_000)}:${two((time / 60_000) % 60)}:${two((time / 1_000) % 60)}`
  // Joined, not a template: JSON.stringify takes the longer way round for a text that lies in pieces.
  return [written.date, clock, ".", String(time % 1_000).padStart(3, "0"), "Z"].join("")
}

/** The instant as milliseconds since the epoch, rounded up (a message is never early), or what is wrong with it. */
export const parseInstant = (text: string, timeZone?: string): Result.Result<number, TimeProblem> => {
  // What is written as we would write it needs no Temporal, which takes some times as long.
  const millis = text.length === instantLength ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(millis) && fromMillis(millis) === text) return Result.succeed(millis)
  if (withOffset.test(text))
    return Result.flatMap(
      attempt("time", notReal, () => Temporal.Instant.from(text)),
      ceilMillis
    )
  if (!local.test(text))
    return refuse("time", "must be like 2026-12-01T09:00:00Z, or 2026-12-01T09:00:00 with timeZone")
  if (timeZone === undefined) return refuse("time", "is a local time: add an offset (Z, +02:00) or give timeZone")
  if (!isName.test(timeZone)) return refuse("timeZone", notZone)
  const plain = attempt("time", notReal, () => Temporal.PlainDateTime.from(text))
  return Result.flatMap(plain, (plain) =>
    Result.flatMap(
      attempt("timeZone", notZone, () => inZone(plain, timeZone)),
      ceilMillis
    )
  )
}

/**
 * A local time that a change of the clock skips means the first instant after the gap;
 * one that occurs twice means the first of the two.
 */
export const inZone = (plain: Temporal.PlainDateTime, timeZone: string): Temporal.Instant => {
  const earlier = plain.toZonedDateTime(timeZone, { disambiguation: "earlier" })
  const skipped = !earlier.toPlainDateTime().equals(plain)
  return (skipped ? (earlier.getTimeZoneTransition("next") ?? earlier) : earlier).toInstant()
}

/** Temporal takes an offset or a whole timestamp for a zone too: on its clock nine would be another hour after a change of the clocks. */
const isName = /^[A-Za-z][A-Za-z0-9_+/-]*$/

export const isZone = (timeZone: string) =>
  isName.test(timeZone) && Result.isSuccess(Result.try(() => Temporal.Now.instant().toZonedDateTimeISO(timeZone)))

export const isLocal = (text: string) => local.test(text)

/** From one local time to another as their clock shows them, in milliseconds; 0 if one of them is none. */
export const localDistance = (from: string, to: string): number =>
  Result.getOrElse(
    Result.try(() => Temporal.PlainDateTime.from(from).until(Temporal.PlainDateTime.from(to)).total("millisecond")),
    () => 0
  )

/**
 * Whether a time with an offset says another one than the zone has at that instant: as of a formatter that appends Z to a
 * local time. Of what is no such time it is not known.
 */
export const contradicts = (text: string, timeZone: string): boolean =>
  Result.getOrElse(
    Result.try(() => {
      const [, offset = ""] = withOffset.exec(text)?.slice(-2) ?? []
      const { offsetNanoseconds } = Temporal.Instant.from(text).toZonedDateTimeISO(timeZone)
      return offsetNanoseconds !== (/z/i.test(offset) ? 0 : offsetMinutes(offset) * 60_000_000_000)
    }),
    () => false
  )

/** +05:30 */
const offsetMinutes = (offset: string) =>
  (offset.startsWith("-") ? -1 : 1) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)))

const notReal = "is not a real date and time"
export const notZone = "must be an IANA time zone, for example Europe/Berlin"

// What an `Instant` can say: an offset, or rounding, may lead out of the years of four digits.
const earliest = toMillis("0000-01-01T00:00:00.000Z")
const latest = toMillis("9999-12-31T23:59:59.999Z")

/** Until when what is due at an instant may be late by so much: what has no end stays an instant. */
export const deadlineOf = (due: number, lateness: number): Instant => fromMillis(Math.min(due + lateness, latest))

const ceilMillis = (instant: Temporal.Instant): Result.Result<number, TimeProblem> => {
  const millis = instant.round({ smallestUnit: "millisecond", roundingMode: "ceil" }).epochMilliseconds
  return millis < earliest || millis > latest ? refuse("time", notReal) : Result.succeed(millis)
}

const refuse = (field: TimeProblem["field"], problem: string) => Result.fail<TimeProblem>({ field, problem })

// Temporal throws on what is not a date; the message it throws repeats the input, so it is replaced.
const attempt = <A>(field: TimeProblem["field"], problem: string, parse: () => A): Result.Result<A, TimeProblem> =>
  Result.try({ try: parse, catch: (): TimeProblem => ({ field, problem }) })
