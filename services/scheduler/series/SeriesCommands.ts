// Carries out what is asked of series. What was due when it was asked comes first; then the series is written anew.
import { Effect, Option, Result } from "effect"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import type { Refusal, Rules } from "#shared/contract/Submission.ts"
import { isOver, occurrenceMessageId, type Series, upcoming } from "#shared/contract/series/Series.ts"
import type {
  ScheduleSeriesCommand,
  SeriesCommandName,
  seriesCommands
} from "#shared/contract/series/SeriesCommands.ts"
import { decodeSeriesCommand, newSeries, seriesConflicts } from "#shared/contract/series/SeriesSubmission.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { SeriesStore, type StoredSeries } from "#shared/nats/stores/SeriesStore.ts"
import { type Answer, body, causeOf, isLater, isSaid, notYet, refused, wasSaid } from "../commands/Answer.ts"
import { mayCome } from "../commands/Patience.ts"
import { bringForward, type Recurring, upTo } from "./Recurring.ts"
import { announced, cancel, change, changedEvent, pause, resume, skip, unlessOver, type Why } from "./SeriesRules.ts"

type Asked = {
  [Name in SeriesCommandName]: { readonly name: Name; readonly command: (typeof seriesCommands)[Name]["Type"] }
}[SeriesCommandName]

/** In their order for each series; several series at a time. */
export const changeSeries = Effect.fnUntraced(function* (
  name: SeriesCommandName,
  deliveries: ReadonlyArray<Delivery>,
  rules: Rules,
  lead: number
) {
  const answers = new Map<Delivery, Answer>()
  const one = Effect.fnUntraced(function* ({ asked, delivery }: (typeof read)[number]) {
    const answer = Result.isFailure(asked)
      ? refused(name, causeOf(delivery), asked.failure, fromMillis(rules.now))
      : yield* carryOut(asked.success, delivery, rules, { lead, maxLateness: rules.maxLateness })
    answers.set(delivery, answer)
  })
  const read = deliveries.map((delivery) => ({ delivery, asked: readCommand(name, delivery) }))
  const bySeries = Map.groupBy(read, ({ asked }) => (Result.isSuccess(asked) ? asked.success.command.id : ""))
  yield* Effect.forEach(bySeries.values(), (ofOne) => Effect.forEach(ofOne, one), { concurrency: 100 })
  return deliveries.map((delivery) => answers.get(delivery) ?? notYet)
})

/** It counts from when it was asked for, also when it is carried out later, or comes again. */
const askedAt = (delivery: Delivery) => delivery.time.getTime()

const readCommand = (name: SeriesCommandName, delivery: Delivery) =>
  Result.flatMap(body(delivery), (json) =>
    Result.map(decodeSeriesCommand(name, json, askedAt(delivery)), (command) => ({ name, command }) as Asked)
  )

const carryOut = Effect.fnUntraced(function* (asked: Asked, delivery: Delivery, rules: Rules, recurring: Recurring) {
  const store = yield* SeriesStore
  const { id } = asked.command
  const now = askedAt(delivery)
  const why: Why = {
    now,
    cause: causeOf(delivery),
    reason: "reason" in asked.command ? asked.command.reason : undefined
  }
  const refuse = (refusal: Refusal) => refused(asked.name, why.cause, { id, ...refusal }, fromMillis(rules.now))
  const older = yield* mayCome("schedule-series", asked.name === "schedule-series" ? [] : [delivery])
  while (true) {
    const found = Option.getOrUndefined(yield* upTo(id, now, recurring))
    if (!found && asked.name !== "schedule-series" && older(delivery)) return notYet
    if (found && (yield* isCarriedOut(asked, found.series, why, delivery)))
      return yield* standing(found, recurring, false)
    if (found && settles.has(asked.name) && wasChangedSince(found.series, why))
      return refuse({ platform: found.series.platform, problems: [{ path: "id", problem: overtaken }] })
    const decided = decide(asked, found?.series, why, { ...rules, now })
    if (Result.isFailure(decided)) return refuse(decided.failure)
    if (found && decided.success === found.series) return yield* standing(found, recurring, true)
    const written = yield* store.write(decided.success, found)
    if (Option.isSome(written)) return yield* standing(written.value, recurring, false)
  }
})

/**
 * Everything that was carried out stands in the log by now. A machine that was suspended with a command in hand takes it for
 * new, though another replica has had it since: the series says so, but not of a skip, of which the log is always asked.
 */
const isCarriedOut = ({ name }: Asked, series: Series, why: Why, delivery: Delivery) => {
  if (series.changedBy === why.cause) return Effect.succeed(true)
  const said = changedEvent(series, changeOf[name], why)
  return name === "skip-occurrence" ? isSaid(said, delivery) : wasSaid(said, delivery)
}

const unknown: Refusal = { problems: [{ path: "id", problem: "is unknown: there is no series with this id" }] }

/** The series as it is to be stored; the same as before if there is nothing to do. */
const decide = (asked: Asked, series: Series | undefined, why: Why, rules: Rules): Result.Result<Series, Refusal> => {
  if (asked.name === "schedule-series") return begin(asked.command, series, why, rules)
  if (!series) return Result.fail(unknown)
  switch (asked.name) {
    case "change-series":
      return change(series, asked.command, why, rules)
    case "pause-series":
      return pause(series, why)
    case "resume-series":
      return resume(series, why)
    case "skip-occurrence":
      return skip(series, asked.command.occurrence, why)
    case "cancel-series":
      return Result.succeed(isOver(series) ? series : cancel(series, why))
  }
}

const begin = (
  command: ScheduleSeriesCommand,
  series: Series | undefined,
  why: Why,
  rules: Rules
): Result.Result<Series, Refusal> =>
  Result.flatMap(newSeries(command, rules), (wanted) => {
    if (!series) return Result.succeed(announced(wanted, "scheduled", why))
    return unlessOver(series, () => {
      const fields = seriesConflicts(series, wanted)
      const problem = "is not what the series with this id was scheduled with: change-series changes it"
      return fields.length === 0
        ? Result.succeed(series)
        : Result.fail({ platform: series.platform, problems: fields.map((path) => ({ path, problem })) })
    })
  })

const changeOf = {
  "schedule-series": "scheduled",
  "change-series": "changed",
  "pause-series": "paused",
  "resume-series": "resumed",
  "skip-occurrence": "skipped",
  "cancel-series": "cancelled"
} as const

/** Of those that say how a series is to be the last one counts. What is cancelled, or skipped, is meant to be in any case. */
const settles: ReadonlySet<SeriesCommandName> = new Set(["change-series", "pause-series", "resume-series"] as const)

const wasChangedSince = ({ changedBy }: Series, { cause }: Why) => changedBy !== undefined && isLater(changedBy, cause)

const overtaken = "is of a series that a later command has changed since"

/** How it stands once all that is due is dealt with, for whoever asked. */
const standing = Effect.fnUntraced(function* (stored: StoredSeries, recurring: Recurring, duplicate: boolean) {
  const now = Date.now()
  const { id } = stored.series
  const found = yield* bringForward(id, now, recurring, stored)
  if (Option.isNone(found)) return yield* Effect.die(new Error("a series vanished"))
  const { series } = found.value
  const next = upcoming(series, now, 1)[0]
  const { last, revision, status } = series
  const reply: Reply = {
    status: "series",
    id,
    series: status,
    revision,
    duplicate,
    ...(next === undefined ? {} : { next: { occurrence: next.name, dueAt: next.at } }),
    ...(last && toMillis(last.at) > now
      ? { submitted: { id: occurrenceMessageId(series, last.name), dueAt: last.at } }
      : {})
  }
  return { reply } satisfies Answer
})
