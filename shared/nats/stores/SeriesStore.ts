// The SERIES stream: how each series stands, one message each; and the ticks that wait for them in TIMERS.
import { DeliverPolicy, type JsMsg, type OrderedConsumerOptions } from "@nats-io/jetstream"
import { Context, Effect, Layer, Option, Schema } from "effect"
import type { SeriesId } from "#shared/contract/fields/Fields.ts"
import { Series } from "#shared/contract/series/Series.ts"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { browse } from "../messages/Browse.ts"
import { Publisher, scheduledAt } from "../messages/Publisher.ts"
import { readAll } from "../messages/ReadAll.ts"
import { EventLog } from "./EventLog.ts"

export interface StoredSeries {
  readonly series: Series
  readonly sequence: number
  readonly storedAt: number
}

export interface WaitingTick {
  /** Milliseconds since the epoch. */
  readonly firesAt: number
  readonly sequence: number
}

/** Read without reading all of it: says that a tick must be waiting, or that something is left to be published. */
const needsTick = "carillon-needs-tick"

const isSeries = Schema.is(Series)

/** As it was written, so that what a newer service has put into a series stays in it when it is written again. */
const decode = (text: string): Option.Option<Series> => {
  const json: unknown = JSON.parse(text)
  return isSeries(json) ? Option.some(json) : Option.none()
}

export class SeriesStore extends Context.Service<
  SeriesStore,
  {
    find(id: SeriesId): Effect.Effect<Option.Option<StoredSeries>, NatsError>
    /** Stored only in the place of the one that was found, if one was; nothing if another was faster. */
    write(series: Series, found?: StoredSeries): Effect.Effect<Option.Option<StoredSeries>, NatsError>
    /** By their ids. */
    readonly all: Effect.Effect<ReadonlyArray<Series>, NatsError>
    /** Those that should have a tick waiting and have none, or one that should have fired before this instant. */
    withoutTick(overdueBefore: number): Effect.Effect<ReadonlyArray<SeriesId>, NatsError>
    waitingTick(id: SeriesId): Effect.Effect<Option.Option<WaitingTick>, NatsError>
    /** In the place of the tick that was found; 0: only if there is none. */
    setTick(id: SeriesId, firesAt: string, payload: string, expected: number): Effect.Effect<boolean, NatsError>
  }
>()("shared/nats/stores/SeriesStore") {
  static readonly layer = Layer.effect(
    SeriesStore,
    Effect.gen(function* () {
      const nats = yield* Nats
      const { clock, js } = nats
      const { last } = yield* EventLog
      const { put } = yield* Publisher

      const read = <A>(options: Partial<OrderedConsumerOptions>, each: (message: JsMsg) => ReadonlyArray<A>) =>
        attempt("read the series", async () => {
          const newest = { deliver_policy: DeliverPolicy.LastPerSubject, filter_subjects: Subject.series("*") }
          const found: Array<A> = []
          await readAll(js, "SERIES", { ...options, ...newest }, (message) => found.push(...each(message)))
          return found
        })

      const ticksFrom = Effect.fnUntraced(
        function* (instant: number) {
          const found = new Set<string>()
          yield* browse("TIMERS", Subject.waitingTick("*"), (page) =>
            Effect.sync(() => {
              for (const tick of page) if (Date.parse(scheduledAt(tick)) >= instant) found.add(tick.subject)
              return true
            })
          )
          return found
        },
        Effect.provideService(Nats, nats)
      )

      return SeriesStore.of({
        find: (id) =>
          Effect.map(
            last("SERIES", Subject.series(id)),
            Option.map(({ text, sequence, storedAt }) => ({
              // We wrote it: one that cannot be read is a bug.
              series: Option.getOrThrow(decode(text)),
              sequence,
              storedAt
            }))
          ),
        write: (series, found) =>
          Effect.map(
            put({
              subject: Subject.series(series.id),
              payload: JSON.stringify(series),
              headers: series.outbox || series.status === "active" ? { [needsTick]: "yes" } : {},
              expectedSequence: found?.sequence ?? 0
            }),
            Option.map((sequence) => ({ series, sequence, storedAt: clock.now() }))
          ),
        all: Effect.map(
          read({}, (message) => Option.toArray(decode(message.string()))),
          (all) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1))
        ),
        withoutTick: Effect.fnUntraced(function* (overdueBefore) {
          const waiting = yield* ticksFrom(overdueBefore)
          const prefix = Subject.series("*").length - 1
          const needing = yield* read({ headers_only: true }, ({ headers, subject }) =>
            headers?.get(needsTick) ? [subject.slice(prefix)] : []
          )
          return needing.filter((id) => !waiting.has(Subject.waitingTick(id)))
        }),
        waitingTick: (id) =>
          Effect.map(
            last("TIMERS", Subject.waitingTick(id)),
            Option.map((tick) => ({ firesAt: Date.parse(scheduledAt(tick)), sequence: tick.sequence }))
          ),
        setTick: (id, firesAt, payload, expected) =>
          Effect.map(
            put({
              subject: Subject.waitingTick(id),
              payload,
              headers: {},
              expectedSequence: expected,
              schedule: { at: firesAt, target: Subject.tick }
            }),
            Option.isSome
          )
      })
    })
  )
}
