// What waits in the streams, as gauges: asked of NATS every ten seconds, so that a scrape costs nothing.
import { Effect } from "effect"
import { consumerState, streamState } from "#shared/nats/Inspect.ts"
import { allConsumers, type StreamName, streams } from "#shared/nats/Topology.ts"
import { gauge } from "#shared/telemetry/Metrics.ts"

const streamNames = Object.keys(streams) as ReadonlyArray<StreamName>

interface Look {
  /** Seconds since the epoch. */
  readonly at: number
  readonly figures: ReadonlyMap<string, number>
}

const key = (figure: string, name: string) => `${figure} ${name}`

const look = Effect.gen(function* () {
  const figures = new Map<string, number>()
  for (const definition of allConsumers) {
    const state = yield* consumerState(definition)
    figures.set(key("waiting", definition.durable), state?.waiting ?? 0)
    figures.set(key("in hand", definition.durable), state?.inHand ?? 0)
    figures.set(key("redelivered", definition.durable), state?.redelivered ?? 0)
  }
  for (const name of streamNames) {
    const state = yield* streamState(name)
    figures.set(key("messages", name), state?.messages ?? 0)
    figures.set(key("bytes", name), state?.bytes ?? 0)
    figures.set(key("limit", name), state && state.config.max_bytes > 0 ? state.config.max_bytes : 0)
  }
  return { at: Date.now() / 1_000, figures } satisfies Look
})

/** Runs until interrupted. While NATS is away the last figures stand, and `…_looked_at` tells how old they are. */
export const watchQueues = Effect.gen(function* () {
  let last: Look = { at: 0, figures: new Map() }
  const show = (name: string, description: string, figure: string, label: { consumer: string } | { stream: string }) =>
    gauge(name, description, () => last.figures.get(key(figure, Object.values(label)[0] ?? "")) ?? 0, label)
  const gauges = [
    gauge("carillon_queues_looked_at_seconds", "When NATS was last asked what waits, since the epoch", () => last.at),
    ...allConsumers.flatMap(({ durable: consumer }) => [
      show("carillon_consumer_waiting_messages", "Not given to anybody yet", "waiting", { consumer }),
      show("carillon_consumer_in_hand_messages", "Given and not acknowledged", "in hand", { consumer }),
      show("carillon_consumer_redelivered_messages", "In hand, and not for the first time", "redelivered", { consumer })
    ]),
    ...streamNames.flatMap((stream) => [
      show("carillon_stream_messages", "Messages stored", "messages", { stream }),
      show("carillon_stream_bytes", "Bytes stored", "bytes", { stream }),
      show("carillon_stream_limit_bytes", "The limit on bytes; 0 is none", "limit", { stream })
    ])
  ]
  yield* Effect.addFinalizer(() => Effect.sync(() => gauges.forEach((remove) => void remove())))
  while (true) {
    last = yield* Effect.orElseSucceed(look, () => last)
    yield* Effect.sleep("10 seconds")
  }
}).pipe(Effect.scoped)
