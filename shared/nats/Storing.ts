// Whether NATS stores what we publish: a stream whose disk is full, or cannot be written to, refuses or never answers,
// while everything else about the server looks well.
import { Effect } from "effect"
import type { Readiness } from "#shared/service/Readiness.ts"
import { gauges } from "#shared/telemetry/Metrics.ts"
import { type StreamName, streamOf } from "./Topology.ts"

/** Told of each publish whether it was stored. */
export type Told = (subject: string, stored: boolean) => void

/** Shows for each stream what became of the newest publish; not ready while one of them was not stored. */
export const watchStoring = Effect.fnUntraced(function* (readiness: Readiness["Service"]) {
  const stored = new Map<StreamName, boolean>()
  yield* readiness.check(
    "nats stores",
    Effect.sync(() => [...stored.values()].every((is) => is))
  )
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      gauges("carillon_publish_failing", "1 while NATS has not stored our newest message for a stream", () =>
        Array.from(stored, ([stream, is]) => ({ value: is ? 0 : 1, attributes: { stream } }))
      )
    ),
    (remove) => Effect.sync(remove)
  )
  return ((subject, is) => {
    const stream = streamOf(subject)
    if (stream) stored.set(stream, is)
  }) satisfies Told as Told
})
