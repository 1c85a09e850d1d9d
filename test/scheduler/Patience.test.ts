// A command about what nobody knows yet is put back while what is to make it may be in another's hands, and no longer.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Result } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { messageOf, type Series } from "#shared/contract/series/Series.ts"
import { decodeSeriesCommand, newSeries } from "#shared/contract/series/SeriesSubmission.ts"
import type { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { handedOn, notYet } from "../../services/scheduler/commands/Answer.ts"
import { changeTimers } from "../../services/scheduler/commands/Changing.ts"
import { schedule } from "../../services/scheduler/commands/Scheduling.ts"
import { upTo } from "../../services/scheduler/series/Recurring.ts"
import { claim } from "../../services/scheduler/series/SeriesRules.ts"
import { onlyOnce } from "../../services/scheduler/series/Submitting.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { command } from "../support/Carillon.ts"
import { delivered, type Given, hour, rulesNow } from "../support/Commands.ts"
import { natsForTest } from "../support/Layers.ts"
import { withManager } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { purgeSubject } from "../support/Streams.ts"

const cancelling = (id: string, given: Given) =>
  Effect.map(
    changeTimers("cancel", [delivered("carillon.command.cancel", JSON.stringify({ id }), given)], rulesNow()),
    ([answer]) => answer
  )

type Services = DeadLetterStore | EventLog | Nats | Publisher | SeriesStore | Timers

const withStreams = <E>(body: (url: string) => Effect.Effect<void, E, Services>) =>
  Effect.gen(function* () {
    const { layer, nats } = yield* natsForTest
    yield* Effect.andThen(provision([consumers.schedulerCommands]), body(nats.url)).pipe(
      Effect.provide(
        Layer.mergeAll(Timers.layer, DeadLetterStore.layer, SeriesStore.layer).pipe(Layer.provideMerge(layer))
      )
    )
  })

/** The command that schedules m stands in the stream, and is in nobody's hands that would tell. */
const withOlder = <E>(body: (url: string) => Effect.Effect<void, E, Services>) =>
  withStreams((url) => Effect.andThen(publishPlainly(url, [command("m", hour)]), body(url)))

describe("a cancel of a message that an older command may still schedule", () => {
  it.live("is put back, also if it was stored long before it is looked at", () =>
    withOlder(() =>
      Effect.gen(function* () {
        const ageMillis = 180_000
        assert.strictEqual(yield* cancelling("m", { seq: 2, looks: 2, ageMillis }), notYet)
        assert.strictEqual(yield* cancelling("m", { seq: 2, looks: 200, ageMillis }), notYet)
      })
    )
  )

  it.live("is refused at last, whatever its age, if the older one is never carried out", () =>
    withOlder(() =>
      Effect.gen(function* () {
        assert.deepInclude((yield* cancelling("m", { seq: 2, looks: 2_000 }))?.event, { type: "rejected", id: "m" })
      })
    )
  )

  it.live("is refused at once if the older one was carried out, and stayed in the stream", () =>
    withOlder((url) =>
      Effect.gen(function* () {
        yield* withManager(url, (manager) => manager.consumers.reset("COMMANDS", "scheduler", 2))
        const cancels = Effect.all(["m", "nobody"].map((id) => cancelling(id, { seq: 2, looks: 2 })))
        for (const answer of yield* cancels) assert.strictEqual(answer?.event?.type, "rejected")
      })
    )
  )

  it.live("is not refused if that happens while it is looked at", () =>
    withOlder(() =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { payload, subject } = command("m", hour)
        const carryOut = schedule([delivered(subject, payload, { seq: 1, looks: 1 })], rulesNow())
        const context = yield* Effect.context<Services>()
        // It is done, and gone from the stream, just before anybody asks for it.
        const next = () => Effect.as(Effect.provideContext(carryOut, context), Option.none())
        const answer = yield* Effect.provideService(cancelling("m", { seq: 2, looks: 2 }), EventLog, { ...log, next })
        assert.isUndefined(answer?.event)
      })
    )
  )
})

describe("a cancel of an occurrence whose tick is in another's hands", () => {
  const recurring = { lead: hour, maxLateness: () => hour }

  /** In half an hour, taken from a series that never comes again: it is said to be scheduled, and has no timer. */
  const submitting = Effect.gen(function* () {
    const [now, start] = [Date.now(), fromMillis(Date.now() + hour / 2)]
    const asked = {
      ...{ id: "medicine", recurrence: { every: "PT1M" }, start, count: 1, timeZone: "UTC", platform: "telegram" },
      ...{ recipient: { chatId: "1" }, content: { type: "text", text: "text of medicine" } }
    }
    const command = Result.getOrThrow(decodeSeriesCommand("schedule-series", asked, now))
    const claimed = claim(Result.getOrThrow(newSeries(command, rulesNow())), { now, ...recurring }) as Series
    const { outbox, template } = claimed
    if (!outbox?.occurrences[0] || !template) return yield* Effect.die("nothing was claimed")
    const message = messageOf(claimed, template, outbox.occurrences[0])
    const cause = `series.medicine.1.${message.series?.occurrence}`
    const store = yield* SeriesStore
    const { publish } = yield* Publisher
    yield* store.write(claimed)
    yield* publish([onlyOnce({ type: "scheduled", at: start, message, cause }, undefined)])
    return {
      cancels: cancelling(message.id, { seq: 1, looks: 2 }),
      later: cancelling(message.id, { seq: 1, looks: 4 }),
      now
    }
  })

  it.live("is put back, and holds when the tick has come again", () =>
    withStreams(() =>
      Effect.gen(function* () {
        const { cancels, now } = yield* submitting
        assert.strictEqual(yield* cancels, notYet)
        yield* upTo("medicine", now, recurring)
        assert.strictEqual(yield* cancels, handedOn)
      })
    )
  )

  it.live("is refused once it has fired", () =>
    withStreams((url) =>
      Effect.gen(function* () {
        const { cancels, later, now } = yield* submitting
        yield* upTo("medicine", now, recurring)
        yield* purgeSubject(url, "TIMERS", "carillon.timer.pending.>")
        // A gateway may hold it, and give it back meanwhile.
        assert.strictEqual(yield* cancels, notYet)
        assert.strictEqual((yield* later)?.event?.type, "rejected")
      })
    )
  )
})
