// Takes single messages out of streams.
import { JetStreamApiError } from "@nats-io/jetstream"
import { Effect } from "effect"
import { attempt, Nats } from "../connection/Nats.ts"
import type { StreamName } from "../layout/Topology.ts"

/**
 * For good, and overwritten on the disk. False if it is gone already: by itself, or by another, which a replica may not
 * have shown yet.
 */
export const removeAt = Effect.fnUntraced(function* (stream: StreamName, sequence: number) {
  const { manager } = yield* Nats
  return yield* attempt(`remove from ${stream}`, () => manager.streams.deleteMessage(stream, sequence, true)).pipe(
    Effect.catchIf(
      ({ cause }) => cause instanceof JetStreamApiError,
      () => Effect.succeed(false)
    )
  )
})
