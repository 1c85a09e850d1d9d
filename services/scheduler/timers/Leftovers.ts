// Takes out of the work queues what was acknowledged and stayed in them. nats-server answers an acknowledgement although it
// cannot write, forgets over its next start that the message was to go, and then gives it to nobody and removes it never.
import { Effect, Option } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { durables } from "#shared/nats/layout/Inspect.ts"
import { type StreamName, streams } from "#shared/nats/layout/Topology.ts"
import { removeAt } from "#shared/nats/messages/Removing.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

/**
 * Younger ones stay: a removal may be under way. A place that is so old is on the disk as well, so that no crash of the
 * server has it taken by another message between our look and the removal.
 */
const oldEnoughMillis = 60_000

/** Runs until interrupted. */
export const watchLeftovers = Effect.gen(function* () {
  while (true) {
    yield* Effect.catch(removeLeftovers(oldEnoughMillis), (error) =>
      Effect.logWarning(`not looked for what was left in the work queues: ${error.message}`)
    )
    yield* Effect.sleep("30 seconds")
  }
})

/**
 * Safe by NATS's own word: consumers of a work queue share no subject, so what is below the floor of the one whose filter
 * finds it was acknowledged. The floor never moves over a message that is in hand, put off or not yet given; a consumer
 * made anew begins with the oldest, below which it has no floor.
 */
export const removeLeftovers = Effect.fn("scheduler.leftovers")(function* (olderThanMillis: number) {
  const { clock } = yield* Nats
  const storedBefore = clock.now() - olderThanMillis
  for (const { filters, state, stream } of yield* durables) {
    if (streams[stream].retention !== "workqueue") continue
    let removed = 0
    for (const filter of filters) removed += yield* removeUpTo(stream, filter, state.ackFloor, storedBefore)
    if (removed > 0) yield* Effect.logWarning(`${removed} messages stayed in ${stream} though acknowledged: removed`)
  }
})

const removeUpTo = Effect.fnUntraced(function* (stream: StreamName, filter: string, floor: number, before: number) {
  const log = yield* EventLog
  let removed = 0
  let from = 1
  while (true) {
    const found = Option.getOrUndefined(yield* log.next(stream, from, filter))
    if (!found || found.sequence > floor || found.storedAt >= before) return removed
    if (yield* removeAt(stream, found.sequence)) removed++
    from = found.sequence + 1
  }
})
