// Every metric of the services, by the conventions of Prometheus: base units, low cardinality, never an id.
import { metrics, type Observable } from "@opentelemetry/api"
import { Effect } from "effect"
import { type Event, type EventType, platform } from "#shared/contract/Events.ts"
import type { ErrorCategory } from "#shared/contract/fields/Fields.ts"
import type { MetricAttributes } from "./Attributes.ts"

const meter = () => metrics.getMeter("carillon")

/** From the milliseconds that we aim at to the hour that a backlog may take. Seconds. */
export const lateBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600]

// Made at the first use: the SDK registers its meters only when it has started.
const lazily = <A>(make: () => A) => {
  let made: A | undefined
  return () => {
    made ??= make()
    return made
  }
}

const eventsAppended = lazily(() =>
  meter().createCounter("carillon_events_appended", { description: "Events appended to the log, by type" })
)
const lateness = lazily(() =>
  meter().createHistogram("carillon_lateness_seconds", {
    description: "From the instant a message was due until the platform had accepted it",
    advice: { explicitBucketBoundaries: lateBuckets }
  })
)
const stages = lazily(() =>
  meter().createHistogram("carillon_stage_duration_seconds", {
    description: "How long one stage took: accept, fire, dispatch, wait, platform, projection",
    advice: { explicitBucketBoundaries: lateBuckets }
  })
)

/**
 * accept: command stored to message accepted; fire: the instant set for a timer to the timer fired; dispatch: timer fired to message sent on its way; wait: its instant to the
 * call; platform: the call; projection: event stored to row written.
 */
export type Stage = "accept" | "fire" | "dispatch" | "wait" | "platform" | "projection"

export const countEvents = (events: ReadonlyArray<Event>) => {
  for (const event of events) {
    eventsAppended().add(1, {
      type: event.type,
      platform: platform(event) ?? "unknown",
      ...("category" in event ? { category: event.category } : {})
    } satisfies MetricAttributes as Record<string, string>)
  }
}

export interface Counted {
  readonly type: EventType
  /** That of the event, or unknown. */
  readonly platform: string
  readonly category?: ErrorCategory
}

/** Shows from its start on what a service may append and alerts count: a rise from nothing is no rise to Prometheus. */
export const countFromZero = (expected: ReadonlyArray<Counted>) =>
  Effect.sync(() => {
    for (const one of expected) eventsAppended().add(0, { ...one } satisfies MetricAttributes)
  })

export const recordLateness = (millis: number, platform: string) =>
  lateness().record(Math.max(0, millis) / 1_000, { platform })

export const recordStage = (stage: Stage, millis: number, platform?: string) =>
  stages().record(Math.max(0, millis) / 1_000, { stage, ...(platform === undefined ? {} : { platform }) })

/** One that only grows, of whoever alone has something to count there. */
export const counter = (name: string, description: string) => {
  const made = lazily(() => meter().createCounter(name, { description }))
  return (by: number, attributes: MetricAttributes) => made().add(by, attributes as Record<string, string>)
}

const observables = new Map<string, Observable>()

interface Figure {
  readonly value: number
  readonly attributes: MetricAttributes
}

/** Figures that are read when they are asked for. The answer takes them away again. */
export const gauges = (name: string, description: string, read: () => ReadonlyArray<Figure>) => {
  const observable = observables.get(name) ?? meter().createObservableGauge(name, { description })
  observables.set(name, observable)
  const observe = (result: { observe(value: number, attributes?: Record<string, string>): void }) => {
    for (const { value, attributes } of read()) result.observe(value, attributes as Record<string, string>)
  }
  observable.addCallback(observe)
  return () => observable.removeCallback(observe)
}

/** Shows them while the scope lives. */
export const shown = (figures: () => ReadonlyArray<() => void>) =>
  Effect.acquireRelease(Effect.sync(figures), (removes) =>
    Effect.sync(() => removes.forEach((remove) => void remove()))
  )

/** A single one. */
export const gauge = (name: string, description: string, read: () => number, attributes: MetricAttributes = {}) =>
  gauges(name, description, () => [{ value: read(), attributes }])
