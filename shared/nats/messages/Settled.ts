// How far a consumer's work is done for certain: what was stored before is settled, and in nobody's hands any more.
import { JetStreamApiError } from "@nats-io/jetstream"
import { Effect, Option } from "effect"
import { attempt, Nats } from "../connection/Nats.ts"
import { serverTime } from "../connection/ServerClock.ts"
import { consumerState } from "../layout/Inspect.ts"
import { type ConsumerDefinition, streams } from "../layout/Topology.ts"
import { EventLog } from "../stores/EventLog.ts"

export interface Settled {
  /** Everything of its work that was stored before this instant is settled. Milliseconds; -Infinity if nothing is known. */
  readonly before: number
  /** There is such a consumer. */
  readonly exists: boolean
}

/**
 * Rather too early than too late. A message that was deleted from the stream while somebody had it in hand is told by the
 * consumer's own count only; so in a log the newest message below which all is acknowledged gives the time.
 */
export const settled = Effect.fn("settled")(function* (definition: ConsumerDefinition) {
  const { manager } = yield* Nats
  const log = yield* EventLog
  const { stream, durable } = definition
  const info = yield* attempt(`look up ${durable}`, () => manager.consumers.info(stream, durable)).pipe(
    Effect.catchIf(
      (error) => error.cause instanceof JetStreamApiError && error.cause.status === 404,
      () => Effect.succeed(undefined)
    )
  )
  if (!info) return { before: Number.NEGATIVE_INFINITY, exists: false } satisfies Settled
  if (info.num_pending + info.num_ack_pending === 0)
    return { before: serverTime(info) ?? Date.now(), exists: true } satisfies Settled
  if (streams[stream].retention === "workqueue") {
    // What is acknowledged is gone from the stream: the oldest that stands is the first that is not.
    const oldest = (yield* consumerState(definition))?.oldest
    return { before: oldest ?? Number.NEGATIVE_INFINITY, exists: true } satisfies Settled
  }
  const floor = yield* log.at(stream, info.ack_floor.stream_seq)
  const before = Option.match(floor, { onNone: () => Number.NEGATIVE_INFINITY, onSome: ({ storedAt }) => storedAt })
  return { before, exists: true } satisfies Settled
})
