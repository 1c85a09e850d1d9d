// The rules for what is accepted of series: a command in, a series or every problem with it out. Pure; the time comes in.
import { Option, Result, Schema } from "effect"
import { defaultSender, type Problem } from "../fields/Fields.ts"
import { fromMillis, isZone, notZone, parseInstant, toMillis } from "../fields/Instants.ts"
import { canonical, decodeCommand, problemsOfMessage, type Refusal, type Rules, tenYears } from "../Submission.ts"
import {
  leansOnStart,
  occurrencesOf,
  problemsOf,
  Recurrence,
  type Rule,
  startsInRepeatedHour,
  takesTimeFromStart,
  unreadable
} from "./Recurrence.ts"
import { atOf, messageOf, openAfter, ruleOf, type Series } from "./Series.ts"
import {
  type ChangeSeriesCommand,
  type ScheduleSeriesCommand,
  type SeriesCommandName,
  type seriesCommands,
  type Template,
  templateFields
} from "./SeriesCommands.ts"

type Problems = ReadonlyArray<Problem>

export const decodeSeriesCommand = <Name extends SeriesCommandName>(
  name: Name,
  json: unknown,
  now: number
): Result.Result<(typeof seriesCommands)[Name]["Type"], Refusal> =>
  Result.mapError(decodeCommand(name, json), (refusal) => {
    const said = new Set(refusal.problems.map(({ path }) => path.split(".")[0]))
    // Refused as it is: whether its rule ever occurs, which takes long to tell, is not asked.
    const times = timesIn((json ?? {}) as Times, now, nextMinute(now), name === "schedule-series", unreadable)
    const unsaid = times.problems.filter(({ path }) => !said.has(path.split(".")[0]))
    return { ...refusal, problems: [...refusal.problems, ...unsaid] }
  })

/** As anybody may have written them. */
type Times = { readonly [Field in "recurrence" | "timeZone" | "start" | "end"]?: unknown }

const isRecurrence = Schema.is(Recurrence)

/** From somebody's birth on, but not from ages ago. */
const hundredYears = 36_525 * 24 * 60 * 60 * 1_000

/** Without a start, so that seconds do not stick to a rule. */
const nextMinute = (now: number) => Math.ceil(now / 60_000) * 60_000

/** What is wrong with the times, as far as they can be read; the rule if nothing is. */
const timesIn = (
  { recurrence, timeZone, start, end }: Times,
  now: number,
  otherwise: number,
  complete = true,
  problemsOfRule = problemsOf
): { readonly problems: Problems; readonly rule?: Rule } => {
  const zone = typeof timeZone === "string" && isZone(timeZone) ? timeZone : undefined
  const problems: Array<Problem> = []
  const read = (path: "start" | "end", text: unknown): number | undefined => {
    const parsed = typeof text === "string" ? parseInstant(text, zone ?? "UTC") : undefined
    if (parsed && Result.isFailure(parsed)) problems.push({ path, problem: parsed.failure.problem })
    return parsed && Result.isSuccess(parsed) ? parsed.success : undefined
  }
  if (typeof timeZone === "string" && zone === undefined) problems.push({ path: "timeZone", problem: notZone })
  const [starts, ends] = [read("start", start), read("end", end)]
  if (starts !== undefined && starts - now > tenYears)
    problems.push({ path: "start", problem: "is more than ten years ahead" })
  if (starts !== undefined && now - starts > hundredYears)
    problems.push({ path: "start", problem: "is more than a hundred years ago" })
  if (problems.length > 0 || !isRecurrence(recurrence)) return { problems }
  const bounds = { start: starts ?? otherwise, ...(ends === undefined ? {} : { end: ends }) }
  const rule: Rule = { recurrence, timeZone: zone ?? "UTC", ...bounds }
  const wrong = [
    ...(complete && start === undefined && leansOnStart(recurrence) ? [needsStart] : []),
    ...(complete && starts !== undefined && takesTimeFromStart(recurrence) && startsInRepeatedHour(rule)
      ? [startsTooLate]
      : []),
    ...problemsOfRule(rule)
  ]
  return wrong.length > 0 ? { problems: wrong } : { problems, rule }
}

const needsStart: Problem = {
  path: "start",
  problem: "is required where an interval counts from it, or a rule leaves the day or the time of day to it"
}

const startsTooLate: Problem = {
  path: "start",
  problem: "is in the second run of an hour that the clock shows twice: what comes then comes in the first"
}

const movesWithStart: Problem = {
  path: "start",
  problem: "is required with another timeZone: the rule takes its time of day from it"
}

const instants = (rule: Rule, startGiven: boolean) => ({
  ...(startGiven ? { start: fromMillis(rule.start) } : {}),
  ...(rule.end === undefined ? {} : { end: fromMillis(rule.end) })
})

/** A series that begins, as the command wants it; with its first occurrence. */
export const newSeries = (command: ScheduleSeriesCommand, rules: Rules): Result.Result<Series, Refusal> => {
  const { count, id, platform, recurrence, start, timeZone } = command
  const template = templateOf(command)
  const { problems, rule } = timesIn(command, rules.now, nextMinute(rules.now))
  if (!rule) return Result.fail({ id, platform, problems: [...problems, ...problemsOfTemplate(template, rules)] })
  const at = fromMillis(rules.now)
  const counted = count === undefined ? {} : { count }
  const series: Series & { readonly template: Template } = {
    ...{ id, platform, status: "active", revision: 1 },
    plan: { recurrence, timeZone, ...instants(rule, start !== undefined), ...counted },
    template,
    anchor: fromMillis(rule.start),
    ...(count === undefined ? {} : { left: count }),
    skips: [],
    createdAt: at,
    changedAt: at
  }
  // An occurrence at this very instant is the first.
  return checked(series, rules.now - 1, rules)
}

/** The series from now on, as the command wants it. What it does not name stays. */
export const changedSeries = (
  series: Series,
  template: Template,
  command: ChangeSeriesCommand,
  rules: Rules
): Result.Result<Series, Refusal> => {
  const { id, platform, plan } = series
  const recurrence = command.recurrence ?? plan.recurrence
  const timeZone = command.timeZone ?? plan.timeZone
  const start = command.start ?? plan.start
  const end = command.end === undefined ? plan.end : (command.end ?? undefined)
  const wanted = { ...template, ...chosenFrom(command) }
  // A rule that stands need not say again what it leans on.
  const { problems, rule } = timesIn(
    { recurrence, timeZone, start, end },
    rules.now,
    toMillis(series.anchor),
    command.recurrence !== undefined || command.start !== undefined
  )
  const isMoved = command.timeZone !== undefined && command.timeZone !== plan.timeZone
  if (isMoved && command.start === undefined && plan.start !== undefined && takesTimeFromStart(recurrence))
    return Result.fail({ id, platform, problems: [movesWithStart] })
  if (!rule) return Result.fail({ id, platform, problems: [...problems, ...problemsOfTemplate(wanted, rules)] })
  const [count, left] =
    command.count === undefined ? [plan.count, series.left] : [command.count ?? undefined, command.count ?? undefined]
  const { left: _, ...rest } = series
  const counted = count === undefined ? {} : { count }
  const changed: Series & { readonly template: Template } = {
    ...rest,
    platform: wanted.platform,
    revision: series.revision + 1,
    plan: { recurrence, timeZone, ...instants(rule, start !== undefined), ...counted },
    template: wanted,
    original: series.original ?? { plan, template },
    anchor: fromMillis(rule.start),
    ...(left === undefined ? {} : { left }),
    changedAt: fromMillis(rules.now)
  }
  return checked({ ...changed, skips: stillThere(changed) }, openAfter(series, rules.now), rules)
}

/** Occurrences to be skipped that the rule still has, at the same instant. */
const stillThere = (series: Series) => {
  const next = occurrencesOf(ruleOf(series))
  return series.skips.filter(({ at, name }) =>
    Option.exists(next(toMillis(at) - 1, toMillis(at)), (found) => found.name === name)
  )
}

/** With what the scheduler is configured to do with its content, as of a message. */
const settled = (template: Template, rules: Rules): Template => {
  const { content, fallback } = rules.settled(sample(template))
  return { ...template, content, ...(fallback === undefined ? {} : { fallback }) }
}

/** With what comes next; refused if nothing does, if it is too large, or if its platform would never take it. */
const checked = (
  series: Series & { readonly template: Template },
  after: number,
  rules: Rules
): Result.Result<Series, Refusal> => {
  const next = occurrencesOf(ruleOf(series))(after)
  const template = settled(series.template, rules)
  const problems = [
    ...(Option.isNone(next) ? [{ path: "recurrence", problem: "has no occurrence from now on" }] : []),
    ...problemsOfTemplate(template, rules)
  ]
  return problems.length > 0 || Option.isNone(next)
    ? Result.fail({ id: series.id, platform: series.platform, problems })
    : Result.succeed({ ...series, template, next: atOf(next.value) })
}

const chosenFrom = (command: Partial<Template>): Partial<Template> =>
  Object.fromEntries(templateFields.flatMap((field) => (command[field] === undefined ? [] : [[field, command[field]]])))

/** With every default filled in but the lateness, which follows the configuration. */
const templateOf = (command: ScheduleSeriesCommand): Template => ({
  sender: defaultSender,
  priority: "normal",
  unknownOutcome: "resend",
  metadata: {},
  ...(chosenFrom(command) as Template)
})

/** A message as every occurrence will be. */
const sample = (template: Template) =>
  messageOf({ id: "sample", revision: 1 }, template, { at: "", name: "", expiresAt: "" })

const problemsOfTemplate = (template: Template, rules: Rules) => problemsOfMessage(sample(template), rules)

/** The fields in which a command differs from what its id was scheduled with. */
export const seriesConflicts = (stored: Series, wanted: Series): ReadonlyArray<string> => {
  const flat = (one: Series) => ({ ...(one.original?.plan ?? one.plan), ...(one.original?.template ?? one.template) })
  const [before, now] = [flat(stored), flat(wanted)] as ReadonlyArray<Readonly<Record<string, unknown>>>
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(now ?? {})])].filter(
    (field) => canonical(before?.[field]) !== canonical(now?.[field])
  )
}
