// Brings series forward. Each step stores what it decides together with what follows from it, publishes that, and only
// then takes it out: killed on any line, whoever looks at the series next goes on there. A tick is only a reason to look,
// so that none can do harm: not a stale one, not one that comes twice, and not one that came too early.
import { Effect, Option, Result, Schema } from "effect"
import { type Batch, done, poison } from "#shared/actor/Actor.ts"
import { decodeWith } from "#shared/actor/Decode.ts"
import { type SeriesId, SeriesId as SeriesIdSchema } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Rules } from "#shared/contract/Submission.ts"
import { messageOf, type Series } from "#shared/contract/series/Series.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { SeriesStore, type StoredSeries } from "#shared/nats/stores/SeriesStore.ts"
import { seconds, whole } from "#shared/service/Settings.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import { stuckAfter } from "../timers/Timers.ts"
import { claim, emptied, recurs } from "./SeriesRules.ts"
import { submitMessages } from "./Submitting.ts"

export interface Recurring {
  readonly lead: number
  readonly maxLateness: Rules["maxLateness"]
}

/** Milliseconds. */
export const seriesLead = seconds("SERIES_LEAD_SECONDS", whole(1, 86_400), {
  says: "How long before its time an occurrence of a series becomes a message; more for many series that come at one instant",
  byDefault: 60
})

/** As it stands when everything is published and all that is due at this instant is dealt with. */
export const upTo = Effect.fnUntraced(function* (
  id: SeriesId,
  now: number,
  { lead, maxLateness }: Recurring,
  from?: StoredSeries,
  delivery?: Delivery
) {
  const store = yield* SeriesStore
  let found = from === undefined ? yield* store.find(id) : Option.some(from)
  while (Option.isSome(found)) {
    const { series } = found.value
    const next = series.outbox ? yield* publishOutbox(found.value, delivery) : claim(series, { now, lead, maxLateness })
    if (next === undefined) return found
    const written = yield* store.write(next, found.value)
    // Another was faster: then its work is looked at.
    found = Option.isSome(written) ? written : yield* store.find(id)
  }
  return Option.none()
})

/** The same, and a tick waits for what comes next. */
export const bringForward = Effect.fnUntraced(function* (
  id: SeriesId,
  now: number,
  recurring: Recurring,
  from?: StoredSeries,
  delivery?: Delivery
) {
  const found = yield* upTo(id, now, recurring, from, delivery)
  if (Option.isSome(found)) yield* awaitNext(found.value.series, recurring.lead)
  return found
})

const publishOutbox = Effect.fnUntraced(function* ({ series, storedAt }: StoredSeries, delivery?: Delivery) {
  const { append } = yield* Publisher
  const { outbox, template } = series
  yield* append(outbox?.events ?? [], storedAt)
  const messages = template ? (outbox?.occurrences ?? []).map((one) => messageOf(series, template, one)) : []
  const spans = messages.map(({ id, platform }) =>
    delivery ? processing(delivery, { destination: "carillon.timer.tick", id, platform }, "new") : undefined
  )
  yield* submitMessages(
    messages.map((message, index) => ({
      message,
      cause: `series.${series.id}.${series.revision}.${message.series?.occurrence}`,
      trace: spans[index]?.headers
    })),
    storedAt
  )
  for (const span of spans) span?.end()
  return emptied(series)
})

const year = 365 * 24 * 60 * 60 * 1_000

/** A tick may come too early, which does no harm; so one that waits is never put off. */
const awaitNext = Effect.fnUntraced(function* (series: Series, lead: number) {
  if (!recurs(series)) return
  const store = yield* SeriesStore
  const now = Date.now()
  const { id, next, revision } = series
  const firesAt = Math.min(toMillis(next.at) - lead, now + year)
  const payload = JSON.stringify({ series: id, revision, occurrence: next.name } satisfies Tick)
  let expected = 0
  while (!(yield* store.setTick(id, fromMillis(firesAt), payload, expected))) {
    const waiting = Option.getOrUndefined(yield* store.waitingTick(id))
    if (waiting && waiting.firesAt <= firesAt && waiting.firesAt > now - stuckAfter) return
    expected = waiting?.sequence ?? 0
  }
})

/** For which occurrence it was set is told for people who look; what counts is how the series stands. */
const Tick = Schema.Struct({ series: SeriesIdSchema, revision: Schema.Int, occurrence: Schema.String })
type Tick = typeof Tick.Type
const decodeTick = decodeWith(Tick)

/** So many series at a time. */
const concurrency = 200

export const handleTicks = (recurring: Recurring) => (batch: Batch) =>
  Effect.forEach(
    batch,
    (delivery) => {
      const tick = decodeTick(delivery.string())
      if (Result.isFailure(tick)) return Effect.succeed(poison("undecodable"))
      // The clock that fires counts too: a tick must not come again and again because ours is slow.
      const now = Math.max(Date.now(), delivery.time.getTime())
      return Effect.as(bringForward(tick.success.series, now, recurring, undefined, delivery), done)
    },
    { concurrency }
  )

const sweepEvery = seconds("SERIES_SWEEP_SECONDS", whole(1, 86_400), {
  says: "How often series are looked for that have lost their tick",
  byDefault: 300
})

/** Finds series whose tick is gone or does not fire, at start and every few minutes, and brings them forward. Runs until interrupted. */
export const sweepSeries = Effect.fnUntraced(function* (recurring: Recurring) {
  const every = yield* sweepEvery
  const store = yield* SeriesStore
  const sweep = Effect.gen(function* () {
    for (const id of yield* store.withoutTick(Date.now() - stuckAfter)) {
      yield* bringForward(id, Date.now(), recurring).pipe(
        // One that cannot be read must not hold back the others.
        Effect.catchDefect(() => Effect.logError(`series ${id}: cannot be brought forward`))
      )
    }
  })
  while (true) {
    yield* sweep.pipe(Effect.catchTag("NatsError", (error) => Effect.logWarning("the series were not swept", error)))
    yield* Effect.sleep(every)
  }
})
