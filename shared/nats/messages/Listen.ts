// Hears of messages as they are published, with no promise: only a reason to look sooner at what is stored.
import { Effect, Queue } from "effect"
import { Nats } from "../connection/Nats.ts"

/** Something to take whenever a message was published to the subject, while the scope lives. */
export const whenPublished = Effect.fnUntraced(function* (subject: string) {
  const { connection } = yield* Nats
  const heard = yield* Queue.sliding<void>(1)
  yield* Effect.acquireRelease(
    Effect.sync(() => connection.subscribe(subject, { callback: () => void Queue.offerUnsafe(heard, undefined) })),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  return heard
})
