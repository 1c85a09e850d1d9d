// Hears of messages as they are published, with no promise: only a reason to look sooner at what is stored.
import { Effect, Queue } from "effect"
import { Nats } from "../connection/Nats.ts"

/** What is published to the subject, as text, while the scope lives: the newest of it, and no more than so many. */
export const heard = Effect.fnUntraced(function* (subject: string, most: number) {
  const { connection } = yield* Nats
  const said = yield* Queue.sliding<string>(most)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      connection.subscribe(subject, {
        // That nobody may listen comes as an error, which the connection tells.
        callback: (refused, message) => void (refused === null && Queue.offerUnsafe(said, message.string()))
      })
    ),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  return said
})
