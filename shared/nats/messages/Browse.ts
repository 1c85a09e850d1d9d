// Messages as they lie in a stream, page by page, taken from nobody: a work queue has its readers, and would give
// another one nothing, or lose to it what was theirs.
import { JetStreamStatusError } from "@nats-io/jetstream/internal"
import { Effect, Option } from "effect"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import type { StreamName } from "../layout/Topology.ts"
import { lookUps } from "../stores/LookUps.ts"

export interface Lying {
  readonly subject: string
  readonly sequence: number
  /** In milliseconds. */
  readonly storedAt: number
  readonly text: string
  header(name: string): string | undefined
}

const pageSize = 500

/** Those from a sequence on, oldest first; none when there are no more. */
export const pageOf = Effect.fnUntraced(function* (stream: StreamName, filter: string, from: number) {
  const { manager } = yield* Nats
  return yield* attempt(`look through ${stream}`, async () => {
    const found: Array<Lying> = []
    let before = 0
    for await (const message of await manager.direct.getBatch(stream, {
      seq: from,
      next_by_subj: filter,
      batch: pageSize
    })) {
      // Each names the one that the server sent before it.
      if (before > 0 && message.lastSequence !== before) throw new Error("a message was lost on its way")
      before = message.seq
      found.push({
        subject: message.subject,
        sequence: message.seq,
        storedAt: message.time.getTime(),
        text: message.string(),
        header: (name) => message.header.get(name) || undefined
      })
    }
    return found as ReadonlyArray<Lying>
  }).pipe(
    Effect.catchIf(
      ({ cause }) => cause instanceof JetStreamStatusError && cause.code === noneLeft,
      () => Effect.succeed([])
    )
  )
})

const noneLeft = 404

/** All of them; what comes meanwhile is there too, or not. Goes on while `each` says so. */
export const browse = Effect.fnUntraced(function* <E, R>(
  stream: StreamName,
  filter: string,
  each: (page: ReadonlyArray<Lying>) => Effect.Effect<boolean, E, R>
): Effect.fn.Return<void, E | NatsError, R | Nats> {
  const { manager } = yield* Nats
  const { state } = yield* attempt(`look at ${stream}`, () => manager.streams.info(stream))
  for (let from = 1; ; ) {
    const page = yield* pageOf(stream, filter, from)
    const last = page.at(-1)
    if (last) {
      if (!(yield* each(page))) return
      from = last.sequence + 1
      // By the leader: any of the replicas gives a page, also one that is behind, and whose end is not that of the stream.
    } else if (from > state.last_seq || Option.isNone(yield* lookUps(manager).next(stream, from, filter))) return
    else yield* Effect.sleep("50 millis")
  }
})
