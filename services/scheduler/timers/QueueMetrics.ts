// What waits in the streams, as gauges: asked of NATS every ten seconds, so that a scrape costs nothing.
import { Effect } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { durables, senders, storage, streamState } from "#shared/nats/layout/Inspect.ts"
import { isFixed, laneOf, type StreamName, streams } from "#shared/nats/layout/Topology.ts"
import { gauge, gauges, shown } from "#shared/telemetry/Metrics.ts"

/** Whoever is busy without a pause asks for nothing new when NATS happens to be looked at. */
const busyMillis = 30_000
/** Older figures say nothing of who is there now. */
const freshMillis = 60_000

const whose = (durable: string) => {
  const lane = laneOf(durable)
  return lane && { platform: lane.platform, sender: lane.sender }
}

const streamNames = Object.keys(streams) as ReadonlyArray<StreamName>

const look = Effect.gen(function* () {
  const at = Date.now()
  const now = (yield* Nats).clock.now()
  const consumers = yield* durables
  const stored = yield* Effect.forEach(streamNames, (stream) =>
    Effect.map(streamState(stream), (state) => ({ stream, state }))
  )
  const seen = (yield* senders).filter(({ hasRun }) => hasRun)
  return { at, now, consumers, stored, seen, room: yield* storage }
})
type Look = Effect.Success<typeof look>

/**
 * Runs until interrupted. While NATS is away the last figures stand, and `…_looked_at` tells how old they are; but for those
 * that say who is there, which end: another scheduler may know better.
 */
export const watchQueues = Effect.gen(function* () {
  let last: Look = { at: 0, now: 0, consumers: [], stored: [], seen: [], room: { used: 0, limit: 0 } }
  const ofConsumers = (name: string, description: string, read: (consumer: Look["consumers"][number]) => number) =>
    gauges(name, description, () =>
      last.consumers.map((one) => ({ value: read(one), attributes: { consumer: one.durable, ...whose(one.durable) } }))
    )
  const ofStreams = (name: string, description: string, read: (stream: Look["stored"][number]) => number) =>
    gauges(name, description, () =>
      last.stored.map((one) => ({ value: read(one), attributes: { stream: one.stream } }))
    )
  const isFresh = () => Date.now() - last.at < freshMillis
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
    // A request for messages is renewed every few seconds, also where there are none: who does not ask is not there.
    gauges(
      "carillon_consumer_read",
      "1 while a service asks for its messages; of those that one must always read",
      () =>
        last.consumers
          .filter(({ durable }) => isFresh() && isFixed(durable))
          .map(({ durable, state: { givenAt = 0, read } }) => ({
            value: Number(read || last.now - givenAt < busyMillis),
            attributes: { consumer: durable }
          }))
    ),
    gauges("carillon_sender_active", "1 while a gateway holds its lease; of senders that have run", () =>
      last.seen
        .filter(isFresh)
        .map(({ active, platform, sender }) => ({ value: Number(active), attributes: { platform, sender } }))
    ),
    gauge("carillon_storage_used_bytes", "On disk, of all streams and of files for messages", () => last.room.used),
    gauge(
      "carillon_storage_limit_bytes",
      "What the account of NATS may have of them; 0 is no limit",
      () => last.room.limit
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
