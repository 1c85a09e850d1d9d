// Whatever ticks, commands, kills and redeliveries come in whatever order: every occurrence that should be sent becomes
// exactly one message. The steps are those of Recurring.ts and SeriesCommands.ts, over a store in memory that loses what a
// killed service did not store; what should be sent is said by a model that knows nothing of claims and outboxes.
import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import fc from "fast-check"
import { eventId } from "#shared/contract/CloudEvents.ts"
import type { Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { occurrencesOf, type Recurrence } from "#shared/contract/series/Recurrence.ts"
import { messageOf, type Series } from "#shared/contract/series/Series.ts"
import type { ChangeSeriesCommand, ScheduleSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"
import { newSeries } from "#shared/contract/series/SeriesSubmission.ts"
import {
  announced,
  change,
  claim,
  emptied,
  pause,
  resume,
  skip,
  unlessOver
} from "../../services/scheduler/series/SeriesRules.ts"

const minute = 60_000
const lead = 3 * minute
const timeZone = "Europe/Berlin"
// Two hours before Berlin turns its clock back.
const start = Date.parse("2026-10-24T23:00:00Z")
const lateness = () => 1_000 * minute
const rules = (now: number) => ({
  now,
  maxLateness: lateness,
  unsendable: () => [],
  settled: (message: Message) => message
})

type Op =
  | { readonly op: "tick" | "pause" | "resume" | "skip" }
  | { readonly op: "change"; readonly command: Omit<ChangeSeriesCommand, "id"> }

interface Step {
  readonly what: Op
  /** Minutes since the step before. */
  readonly after: number
  /** Killed before this write or publish, counted from 1, if it comes so far; then the step comes again. */
  readonly killedAt: number | undefined
  /** Ticks in between, before it comes again. */
  readonly tickedMeanwhile: boolean
}

const recurrences = fc.constantFrom<Recurrence>(
  { every: "PT5M" },
  { cron: "*/7 * * * *" },
  { cron: "30 2 * * *" },
  { rrule: "FREQ=HOURLY;BYMINUTE=10,40" },
  { rrule: "FREQ=MINUTELY;INTERVAL=9" }
)
const count = fc.integer({ min: 1, max: 12 })
const ops = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Op>({ op: "tick" }) },
  { weight: 4, arbitrary: fc.constantFrom<Op>({ op: "pause" }, { op: "resume" }, { op: "resume" }, { op: "skip" }) },
  {
    weight: 2,
    arbitrary: fc
      .record(
        { recurrence: recurrences, count: fc.option(count), timeZone: fc.constantFrom(timeZone, "Asia/Kolkata") },
        { requiredKeys: [] }
      )
      .map((command): Op => ({ op: "change", command }))
  }
)
const steps = fc.array(
  fc.record<Step>({
    what: ops,
    after: fc.integer({ min: 0, max: 20 }),
    killedAt: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    tickedMeanwhile: fc.boolean()
  }),
  { minLength: 1, maxLength: 25 }
)
const begins = fc.record({ recurrence: recurrences, count: fc.option(count, { nil: undefined }) })

class Killed extends Error {}

/** The series as services bring it forward, and everything that they published. */
const world = (model: Model) => {
  let stored: Series | undefined
  let writesLeft = Number.POSITIVE_INFINITY
  const messages = new Map<string, string>()
  const events = new Set<string>()
  const orKilled = () => {
    if (--writesLeft < 0) throw new Killed()
  }
  const upTo = (now: number) => {
    for (;;) {
      if (!stored) return
      if (stored.outbox) {
        const { events: said, occurrences } = stored.outbox
        for (const event of said) {
          orKilled()
          events.add(eventId(event))
        }
        for (const one of occurrences) {
          orKilled()
          const message = messageOf(stored, stored.template as NonNullable<Series["template"]>, one)
          assert.isTrue(
            (messages.get(message.id) ?? message.dueAt) === message.dueAt,
            "an id stands for two occurrences"
          )
          messages.set(message.id, message.dueAt)
        }
        orKilled()
        stored = emptied(stored)
        continue
      }
      const claimed = claim(stored, { now, lead, maxLateness: lateness })
      if (!claimed) return
      orKilled()
      stored = claimed
      model.deal(now)
    }
  }
  const command = (asked: number, cause: string, what: Op, begin?: Parameters<typeof newSeries>[0]) => {
    upTo(asked)
    const why = { now: asked, cause }
    if ([...events].some((id) => id.includes(`.${cause}.`))) return
    const decided = begin
      ? Result.map(newSeries(begin, rules(asked)), (series) => announced(series, "scheduled", why))
      : decide(what, stored as Series, why)
    if (Result.isFailure(decided)) return
    orKilled()
    stored = decided.success
    model.command(asked, what, begin)
  }
  return {
    messages,
    upTo,
    command,
    /** True if it was killed. */
    during: (killedAt: number | undefined, work: () => void) => {
      writesLeft = killedAt === undefined ? Number.POSITIVE_INFINITY : killedAt - 1
      try {
        work()
        return false
      } catch (error) {
        if (error instanceof Killed) return true
        throw error
      } finally {
        writesLeft = Number.POSITIVE_INFINITY
      }
    }
  }
}

const decide = (what: Op, series: Series, why: { readonly now: number; readonly cause: string }) => {
  switch (what.op) {
    case "pause":
      return pause(series, why)
    case "resume":
      return resume(series, why)
    case "skip":
      return skip(series, undefined, why)
    case "change":
      return change(series, { id: series.id, ...what.command }, why, rules(why.now))
    case "tick":
      return unlessOver(series, () => Result.succeed(series))
  }
}

/** What should be sent, by going from occurrence to occurrence. */
class Model {
  readonly sent: Array<string> = []
  private rule = { recurrence: { every: "PT5M" } as Recurrence, timeZone, start }
  private left = Number.POSITIVE_INFINITY
  private done = 0
  private paused = false
  private skipped = new Map<number, string>()

  private pass(until: number, each: (at: number) => void) {
    for (;;) {
      const next = occurrencesOf(this.rule)(this.done)
      if (this.left === 0 || Option.isNone(next) || next.value.at > until) return
      this.done = next.value.at
      this.left--
      each(this.done)
    }
  }
  /** All that is due by then. */
  deal(now: number) {
    if (this.paused) return
    this.pass(now + lead, (at) => {
      if (!this.skipped.has(at)) this.sent.push(fromMillis(at))
    })
  }
  command(now: number, what: Op, begin?: { readonly recurrence: Recurrence; readonly count?: number }) {
    if (begin) {
      this.rule = { ...this.rule, recurrence: begin.recurrence }
      this.left = begin.count ?? this.left
      this.done = now - 1
    }
    switch (what.op) {
      case "pause":
        this.paused = true
        break
      case "resume":
        this.done = this.paused ? Math.max(this.done, now) : this.done
        this.paused = false
        break
      case "skip": {
        let at = Math.max(this.done, now)
        for (;;) {
          const next = Option.getOrThrow(occurrencesOf(this.rule)(at))
          at = next.at
          if (!this.skipped.has(at)) {
            this.skipped.set(at, next.name)
            return
          }
        }
      }
      case "change": {
        const { recurrence = this.rule.recurrence, timeZone: zone = this.rule.timeZone, count: more } = what.command
        this.rule = { ...this.rule, recurrence, timeZone: zone }
        this.done = Math.max(this.done, now)
        this.left = more === undefined ? this.left : (more ?? Number.POSITIVE_INFINITY)
        for (const [at, name] of this.skipped) {
          const found = occurrencesOf(this.rule)(at - 1)
          if (!Option.exists(found, (one) => one.at === at && one.name === name)) this.skipped.delete(at)
        }
      }
    }
  }
}

describe("ticks, commands, kills and redeliveries in any order", () => {
  it("make of every occurrence that should be sent exactly one message", () => {
    let sent = 0
    fc.assert(
      fc.property(begins, steps, ({ recurrence, count }, all) => {
        const model = new Model()
        const { command, during, messages, upTo } = world(model)
        let now = start
        let number = 0
        const begin = {
          ...{ id: "s", recurrence, timeZone, start: fromMillis(start), ...(count === undefined ? {} : { count }) },
          platform: "telegram",
          recipient: { chatId: "1" },
          content: { type: "text", text: "hello" }
        } satisfies ScheduleSeriesCommand
        const steps: ReadonlyArray<Step> = [
          { what: { op: "tick" }, after: 0, killedAt: all[0]?.killedAt, tickedMeanwhile: false },
          ...all
        ]
        for (const { after, killedAt, tickedMeanwhile, what } of steps) {
          const first = number === 0
          const [asked, cause] = [now + after * minute, `c${number++}`]
          now = asked
          const work = () => {
            if (first) command(asked, cause, what, begin)
            else if (what.op !== "tick") command(asked, cause, what)
            upTo(now)
          }
          if (!during(killedAt, work)) continue
          now += minute
          if (tickedMeanwhile) upTo(now)
          work()
        }
        upTo(now + 60 * minute)
        assert.deepStrictEqual([...messages.values()].sort(), model.sent)
        sent += model.sent.length
      }),
      { numRuns: 600 }
    )
    assert.isAbove(sent, 600)
  })
})
