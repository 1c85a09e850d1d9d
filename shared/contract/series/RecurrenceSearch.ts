// Finds the local times that a rule of RFC 5545 gives: period by period, each period's days one by one. Pure.
import type { RecurrenceRule } from "./RecurrenceRule.ts"

type Day = Temporal.PlainDate
type Local = Temporal.PlainDateTime

/**
 * So many days are looked at for the next one, about 68 years of them; what is rarer is said not to come. Of what is
 * counted they are all there are: who could begin the count ages ago would have everybody wait for it.
 */
const mostDays = 25_000
const lastYear = 9_999

/**
 * The first local time strictly after another, looked for until the end of a day only; none before `start`, which gives what
 * the rule leaves open.
 */
export const searchRule = (rule: RecurrenceRule, start: Local) => {
  const occurrences = occurrencesOf(rule, start)
  const counted = rule.count === undefined ? undefined : remembered(occurrences(0), rule.count)
  return (after: Local, until?: Local): Local | undefined => {
    // All seconds are those of the start.
    const last = minutesOf(after.subtract({ seconds: start.second }))
    for (const minute of counted?.() ?? occurrences(periodAt(rule, start, after), until?.toPlainDate()))
      if (minute > last) return toLocal(minute).with({ second: start.second })
    return undefined
  }
}

/** What is counted must be counted from the beginning: once, whatever is asked of it. */
const remembered = (all: Generator<number, undefined>, count: number) => {
  const found: Array<number> = []
  return function* () {
    for (let n = 0; n < count; n++) {
      const minute = found[n] ?? all.next().value
      if (minute === undefined) return
      found[n] = minute
      yield minute
    }
  }
}

const epoch = Temporal.PlainDate.from("1970-01-01")
const dayNumber = (day: Day) => epoch.until(day).days
/** Minutes of the local clock since 1970. */
const minutesOf = (local: Local) => dayNumber(local.toPlainDate()) * 1_440 + local.hour * 60 + local.minute
const toLocal = (minutes: number): Local => epoch.toPlainDateTime().add({ minutes })

/** All of them from the nth period on, in order. */
const occurrencesOf = (rule: RecurrenceRule, start: Local) => {
  const date = start.toPlainDate()
  const earliest = minutesOf(start)
  const takes = dayFilter(rule, date)
  const times = timesOf(rule, start)
  return function* (from: number, until?: Day): Generator<number, undefined> {
    for (let n = from, looked = 0; looked < mostDays; n++) {
      const [first, length] = period(rule, date, n)
      if (first.year > lastYear || (until && Temporal.PlainDate.compare(first, until) > 0)) return
      looked += length
      const days = Array.from({ length }, (_, day) => first.add({ days: day }))
        .filter(takes)
        .map(dayNumber)
      const all = days.flatMap((day) => times(day).map((minute) => day * 1_440 + minute))
      for (const minute of rule.positions ? chosen(all, rule.positions) : all) if (minute >= earliest) yield minute
    }
  }
}

const chosen = (all: ReadonlyArray<number>, positions: ReadonlyArray<number>) => {
  const wanted = new Set(positions.map((position) => (position > 0 ? position - 1 : all.length + position)))
  return all.filter((_, index) => wanted.has(index))
}

const weekOf = (day: Day, weekStart: number) => day.subtract({ days: (day.dayOfWeek - weekStart + 7) % 7 })

/** The nth period after that of the start: its first day, and how many it has. */
const period = ({ frequency, interval, weekStart }: RecurrenceRule, start: Day, n: number): readonly [Day, number] => {
  switch (frequency) {
    case "YEARLY": {
      const first = start.with({ month: 1, day: 1 }).add({ years: n * interval })
      return [first, first.daysInYear]
    }
    case "MONTHLY": {
      const first = start.with({ day: 1 }).add({ months: n * interval })
      return [first, first.daysInMonth]
    }
    case "WEEKLY":
      return [weekOf(start, weekStart).add({ weeks: n * interval }), 7]
    case "DAILY":
      return [start.add({ days: n * interval }), 1]
    // Their interval is kept by the times of the day.
    default:
      return [start.add({ days: n }), 1]
  }
}

/** The number of the period in which a time lies, or of the last one before it. */
const periodAt = ({ frequency, interval, weekStart }: RecurrenceRule, start: Local, after: Local) => {
  const [from, to] = [start.toPlainDate(), after.toPlainDate()]
  const passed = {
    YEARLY: () => to.year - from.year,
    MONTHLY: () => (to.year - from.year) * 12 + to.month - from.month,
    WEEKLY: () => weekOf(from, weekStart).until(weekOf(to, weekStart)).days / 7,
    DAILY: () => from.until(to).days,
    HOURLY: () => from.until(to).days * interval,
    MINUTELY: () => from.until(to).days * interval
  }
  return Math.max(0, Math.floor(passed[frequency]() / interval))
}

/** The minutes of a day, in order. */
const timesOf = ({ frequency, interval, hours, minutes }: RecurrenceRule, start: Local) => {
  const first = dayNumber(start.toPlainDate())
  const whole = (takesHour: (hour: number) => boolean, takesMinute: (minute: number) => boolean) =>
    Array.from({ length: 1_440 }, (_, minute) => minute).filter(
      (minute) => takesHour(Math.floor(minute / 60)) && takesMinute(minute % 60)
    )
  const hourly = (hour: number) =>
    hours?.includes(hour) ?? (frequency === "HOURLY" || frequency === "MINUTELY" || hour === start.hour)
  const minutely = (minute: number) =>
    minutes?.includes(minute) ?? (frequency === "MINUTELY" || minute === start.minute)
  const wanted = whole(hourly, minutely)
  if (frequency === "MINUTELY") {
    const begun = first * 1_440 + start.hour * 60 + start.minute
    return (day: number) => wanted.filter((minute) => (day * 1_440 + minute - begun) % interval === 0)
  }
  if (frequency === "HOURLY") {
    const begun = first * 24 + start.hour
    return (day: number) => wanted.filter((minute) => (day * 24 + Math.floor(minute / 60) - begun) % interval === 0)
  }
  return () => wanted
}

const has = (wanted: ReadonlyArray<number>, number: number, of: number) =>
  wanted.includes(number) || wanted.includes(number - of - 1)

const dayFilter = (rule: RecurrenceRule, start: Day) => {
  const { frequency, months, monthDays, yearDays, weeks, days } = rule
  const withinMonth = frequency === "MONTHLY" || months !== undefined
  const asStart = leftOpen(rule, start)
  return (day: Day): boolean =>
    (!months || months.includes(day.month)) &&
    (!monthDays || has(monthDays, day.day, day.daysInMonth)) &&
    (!yearDays || has(yearDays, day.dayOfYear, day.daysInYear)) &&
    (!weeks || has(weeks, day.weekOfYear ?? 0, weeksOf(day))) &&
    (!days || days.some((wanted) => wanted.day === day.dayOfWeek && isNth(day, wanted.nth, withinMonth))) &&
    asStart(day)
}

/** What the rule does not say of the day is as the start has it. */
const leftOpen = ({ frequency, months, monthDays, yearDays, days }: RecurrenceRule, start: Day) => {
  if (days) return () => true
  if (frequency === "WEEKLY") return (day: Day) => day.dayOfWeek === start.dayOfWeek
  if (monthDays || yearDays) return () => true
  if (frequency === "MONTHLY") return (day: Day) => day.day === start.day
  if (frequency === "YEARLY")
    return (day: Day) => day.day === start.day && (months !== undefined || day.month === start.month)
  return () => true
}

const weeksOf = (day: Day) =>
  Temporal.PlainDate.from({ year: day.yearOfWeek ?? day.year, month: 12, day: 28 }).weekOfYear ?? 52

const isNth = (day: Day, nth: number, withinMonth: boolean) => {
  const [at, of] = withinMonth ? [day.day, day.daysInMonth] : [day.dayOfYear, day.daysInYear]
  return nth === 0 || (nth > 0 ? Math.ceil(at / 7) === nth : Math.ceil((of - at + 1) / 7) === -nth)
}
