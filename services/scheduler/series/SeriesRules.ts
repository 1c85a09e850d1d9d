// The rules of a series as time passes and operators decide. Pure: the time comes in. Each gives the series as it is to
// be stored next, with what follows from that in its outbox; all take it that the outbox before was emptied.
import { Option, Result } from "effect"
import type { EventOf } from "#shared/contract/Events.ts"
import type { Kind, OccurrenceName } from "#shared/contract/fields/Fields.ts"
import { deadlineOf, fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Refusal, Rules } from "#shared/contract/Submission.ts"
import { occurrenceNamed, occurrencesOf } from "#shared/contract/series/Recurrence.ts"
import { type At, atOf, isOver, openAfter, ruleOf, type Series, upcoming } from "#shared/contract/series/Series.ts"
import type { ChangeSeriesCommand, Template } from "#shared/contract/series/SeriesCommands.ts"
import { changedSeries } from "#shared/contract/series/SeriesSubmission.ts"

export interface Clock {
  readonly now: number
  /** How long before its time an occurrence is submitted. Milliseconds. */
  readonly lead: number
  /** How late a message of a kind may be that says nothing of it. Milliseconds. */
  readonly maxLateness: (kind: Kind | undefined) => number
}

export interface Why {
  /** When it was asked for. */
  readonly now: number
  readonly cause: string
  readonly reason?: string | undefined
}

type Change = EventOf<"series-changed">["change"]

/** So many occurrences are dealt with in one step, of which so many are submitted; the rest in the next one. */
const mostAtOnce = 5_000
const mostSubmitted = 100
/** So many that are past their deadline become messages, which expire on the record; more become one event. */
export const mostExpiring = 10

/** Deals with what is due within the lead; nothing if nothing is. */
export const claim = (series: Series, { now, lead, maxLateness }: Clock): Series | undefined => {
  const { next: planned, template } = series
  if (series.status !== "active" || !template || !planned) return undefined
  const lateness =
    template.maxLatenessSeconds === undefined ? maxLateness(template.kind) : template.maxLatenessSeconds * 1_000
  const rule = ruleOf(series)
  const following = occurrencesOf(rule)
  const skipped = new Set(series.skips.map(({ name }) => name))
  const [late, inTime]: [Array<At>, Array<At>] = [[], []]
  // A zone may have been given other rules since its time was looked for, as much as a year ago: what was meant is the time
  // on the clock, which is its name. Sent at the old instant it would be wrong, and would come once more at the new one.
  const first = Option.match(occurrenceNamed(rule, planned.name, following), { onNone: () => planned, onSome: atOf })
  let next: At | undefined = first
  let last = series.last
  let left = series.left
  let n = 0
  for (; n < mostAtOnce && next && toMillis(next.at) - lead <= now && inTime.length < mostSubmitted; n++) {
    if (!skipped.has(next.name)) (toMillis(next.at) + lateness < now ? late : inTime).push(next)
    last = next
    left = left === undefined ? undefined : left - 1
    next = left === 0 ? undefined : Option.getOrUndefined(Option.map(following(toMillis(next.at)), atOf))
  }
  if (n === 0) return first.at === planned.at ? undefined : { ...series, next: first }
  const submitted = late.length > mostExpiring ? inTime : [...late, ...inTime]
  const claimed: Series = {
    ...without(series, "next", "left"),
    ...(next === undefined ? {} : { next }),
    ...(last === undefined ? {} : { last }),
    ...(left === undefined ? {} : { left }),
    skips: series.skips.filter(({ at }) => toMillis(at) > toMillis(last?.at ?? at)),
    outbox: {
      events: late.length > mostExpiring ? [missed(series, late, now)] : [],
      occurrences: submitted.map((one) => ({ ...one, expiresAt: deadlineOf(toMillis(one.at), lateness) }))
    }
  }
  return next === undefined ? ended(claimed, now) : claimed
}

const missed = ({ id, platform, revision }: Series, late: ReadonlyArray<At>, now: number) => ({
  type: "occurrences-missed" as const,
  at: fromMillis(now),
  ...{ series: id, platform, revision },
  count: late.length,
  from: late[0]?.name ?? "",
  to: late.at(-1)?.name ?? ""
})

/** What was claimed with it still needs the template; that goes when the outbox is empty. */
const ended = (series: Series, now: number): Series => {
  const { last, outbox } = series
  const event: EventOf<"series-changed"> = {
    ...changedEvent(series, "ended", { now, cause: `occurrence-${last?.name ?? "none"}` }),
    ...(last === undefined ? {} : { occurrence: last.name })
  }
  return {
    ...without(series, "next"),
    status: "ended",
    changedAt: fromMillis(now),
    outbox: { events: [...(outbox?.events ?? []), event], occurrences: outbox?.occurrences ?? [] }
  }
}

/** Its outbox is empty; nothing personal stays of a series that is over. */
export const emptied = (series: Series): Series =>
  isOver(series) ? without(series, "outbox", "template", "original") : without(series, "outbox")

/** A series that was written anew by a command. A skip says nothing of how it is to be: an earlier pause still counts. */
export const announced = (series: Series, change: Change, why: Why, occurrence?: OccurrenceName): Series => ({
  ...series,
  changedAt: fromMillis(why.now),
  ...(change === "skipped" ? {} : { changedBy: why.cause }),
  outbox: {
    events: [
      ...(series.outbox?.events ?? []),
      { ...changedEvent(series, change, why), ...(occurrence ? { occurrence } : {}) }
    ],
    occurrences: []
  }
})

export const changedEvent = (
  { id, platform, revision }: Series,
  change: Change,
  { now, cause, reason }: Why
): EventOf<"series-changed"> => ({
  type: "series-changed",
  at: fromMillis(now),
  ...{ series: id, platform, revision, change, cause },
  ...(reason === undefined ? {} : { reason })
})

type Decided = Result.Result<Series, Refusal>

const refuse = ({ id, platform }: Series, path: string, problem: string): Decided =>
  Result.fail({ id, platform, problems: [{ path, problem }] })

/** Nothing can be asked any more of a series that is over. */
export const unlessOver = (series: Series, decide: (template: Template) => Decided): Decided => {
  const { status, template } = series
  if (status === "cancelled") return refuse(series, "id", "is of a series that was cancelled")
  if (status === "ended" || !template) return refuse(series, "id", "is of a series that has ended")
  return decide(template)
}

export const change = (series: Series, command: ChangeSeriesCommand, why: Why, rules: Rules): Decided =>
  unlessOver(series, (template) =>
    Result.map(changedSeries(series, template, command, { ...rules, now: why.now }), (changed) =>
      announced(changed, "changed", why)
    )
  )

export const pause = (series: Series, why: Why): Decided =>
  unlessOver(series, () => Result.succeed(announced({ ...series, status: "paused" }, "paused", why)))

/** What passed meanwhile is not sent, and does not count. */
export const resume = (series: Series, why: Why): Decided =>
  unlessOver(series, () => {
    const next =
      series.status === "paused"
        ? Option.getOrUndefined(Option.map(occurrencesOf(ruleOf(series))(openAfter(series, why.now)), atOf))
        : series.next
    const resumed = announced(
      {
        ...without(series, "next"),
        status: "active",
        ...(next === undefined ? {} : { next }),
        skips: series.skips.filter(({ at }) => toMillis(at) > why.now)
      },
      "resumed",
      why
    )
    return Result.succeed(next === undefined ? ended(resumed, why.now) : resumed)
  })

const mostSkips = 100

/** One that was not dealt with yet: the next if none is named. */
export const skip = (series: Series, occurrence: OccurrenceName | undefined, why: Why): Decided =>
  unlessOver(series, () => {
    const after = openAfter(series, why.now)
    const underWay = series.last && toMillis(series.last.at) > why.now ? series.last.name : undefined
    if (occurrence === undefined && underWay !== undefined)
      return refuse(
        series,
        "occurrence",
        `must be named: ${underWay} was submitted already, cancel its message by its id; or name one after it`
      )
    const found =
      occurrence === undefined
        ? upcoming(series, after, 1)[0]
        : Option.getOrUndefined(Option.map(occurrenceNamed(ruleOf(series), occurrence), atOf))
    if (!found) return refuse(series, "occurrence", "is no occurrence of this series")
    if (toMillis(found.at) <= after)
      return refuse(
        series,
        "occurrence",
        "has passed or was submitted: cancel its message by its id, if it is not sent yet"
      )
    if (series.skips.length >= mostSkips)
      return refuse(series, "occurrence", `is one too many: at most ${mostSkips} may wait to be skipped`)
    const skips = [...series.skips.filter(({ name }) => name !== found.name), found]
    return Result.succeed(announced({ ...series, skips }, "skipped", why, found.name))
  })

/** Nothing personal stays of it. */
export const cancel = (series: Series, why: Why): Series =>
  announced(
    { ...without(series, "template", "original", "next", "left"), status: "cancelled", skips: [] },
    "cancelled",
    why
  )

const without = <Key extends keyof Series>(series: Series, ...keys: ReadonlyArray<Key>): Omit<Series, Key> & Series => {
  const rest = { ...series } as { -readonly [K in keyof Series]?: Series[K] }
  for (const key of keys) delete rest[key]
  return rest as Omit<Series, Key> & Series
}

/** Whether a tick must wait for it. */
export const recurs = (series: Series): series is Series & { readonly next: At } =>
  series.status === "active" && series.next !== undefined
