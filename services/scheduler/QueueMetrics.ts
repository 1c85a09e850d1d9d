// What waits in the streams, as gauges: asked of NATS every ten seconds, so that a scrape costs nothing.
import { Effect } from "effect"
import { durables, streamState } from "#shared/nats/Inspect.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { type StreamName, streams } from "#shared/nats/Topology.ts"
import { gauge, gauges, shown } from "#shared/telemetry/Metrics.ts"

const streamNames = Object.keys(streams) as ReadonlyArray<StreamName>

const look = Effect.gen(function* () {
  const at = Date.now()
  const now = (yield* Nats).clock.now()
  const consumers = yield* durables
  const stored = yield* Effect.forEach(streamNames, (stream) =>
    Effect.map(streamState(stream), (state) => ({ stream, state }))
  )
  return { at, now, consumers, stored }
})
type Look = Effect.Success<typeof look>

/** Runs until interrupted. While NATS is away the last figures stand, and `…_looked_at` tells how old they are. */
export const watchQueues = Effect.gen(function* () {
  let last: Look = { at: 0, now: 0, consumers: [], stored: [] }
  const ofConsumers = (name: string, description: string, read: (consumer: Look["consumers"][number]) => number) =>
    gauges(name, description, () =>
      last.consumers.map((one) => ({ value: read(one), attributes: { consumer: one.durable } }))
    )
  const ofStreams = (name: string, description: string, read: (stream: Look["stored"][number]) => number) =>
    gauges(name, description, () =>
      last.stored.map((one) => ({ value: read(one), attributes: { stream: one.stream } }))
    )
  yield* shown(() => [
    gauge("carillon_queues_looked_at_seconds", "When NATS was last asked, since the epoch", () => last.at / 1_000),
    ofConsumers("carillon_consumer_waiting_messages", "Not given to anybody yet", ({ state }) => state.waiting),
    ofConsumers("carillon_consumer_in_hand_messages", "Given and not acknowledged", ({ state }) => state.inHand),
    ofConsumers("carillon_consumer_oldest_seconds", "How long the oldest has waited; 0 if none does", ({ state }) =>
      state.oldest === undefined ? 0 : (last.now - state.oldest) / 1_000
    ),
    ofConsumers(
      "carillon_consumer_redelivered_messages",
      "In hand, and not for the first time",
      ({ state }) => state.redelivered
    ),
    ofStreams("carillon_stream_messages", "Messages stored", ({ state }) => state?.messages ?? 0),
    ofStreams("carillon_stream_bytes", "Bytes stored", ({ state }) => state?.bytes ?? 0),
    ofStreams("carillon_stream_limit_bytes", "The limit on bytes; 0 is none", ({ state }) =>
      Math.max(0, state?.config.max_bytes ?? 0)
    )
  ])
  while (true) {
    last = yield* Effect.orElseSucceed(look, () => last)
    yield* Effect.sleep("10 seconds")
  }
}).pipe(Effect.scoped)
