// Whether NATS stores what we publish: a stream whose disk is full, or cannot be written to, refuses or never answers,
// while everything else about the server looks well.
import { Clock, Effect } from "effect"
import type { Readiness } from "#shared/service/Readiness.ts"
import { gauges, shown } from "#shared/telemetry/Metrics.ts"
import { type StreamName, streamOf } from "../layout/Topology.ts"

/** Told of each publish whether it was stored. */
export type Told = (subject: string, stored: boolean) => void

/**
 * Whoever cannot store tries again within this time. Who has nothing more to store, as a gateway that is no longer the
 * active one, would never hear that NATS is well again.
 */
const heardForMillis = 60_000

/** Shows for each stream what became of the newest publish; not ready while one of them was not stored. */
export const watchStoring = Effect.fnUntraced(function* (readiness: Readiness["Service"]) {
  const clock = yield* Clock.Clock
  /** When it was, if it was not stored. */
  const newest = new Map<StreamName, number | undefined>()
  const fails = (at: number | undefined) => at !== undefined && clock.currentTimeMillisUnsafe() - at < heardForMillis
  yield* readiness.check(
    "nats stores",
    Effect.sync(() => ![...newest.values()].some(fails))
  )
  yield* shown(() => [
    gauges("carillon_publish_failing", "1 while NATS has not stored our newest message for a stream", () =>
      Array.from(newest, ([stream, at]) => ({ value: fails(at) ? 1 : 0, attributes: { stream } }))
    )
  ])
  return ((subject, is) => {
    const stream = streamOf(subject)
    if (stream) newest.set(stream, is ? undefined : clock.currentTimeMillisUnsafe())
  }) satisfies Told as Told
})
