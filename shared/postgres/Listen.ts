// Hears of notifications on a connection of its own, with no promise: only a reason to look sooner at what is stored.
// A pooler in transaction mode passes none on, and one that is lost is lost: whoever listens looks by itself too.
import { Effect, Queue } from "effect"
import pg from "pg"

/** Something to take whenever a notification came on the channel, and once at each new connection. Never fails. */
export const whenNotified = Effect.fnUntraced(function* (url: () => string, channel: string) {
  const heard = yield* Queue.sliding<void>(1)
  const once = Effect.acquireRelease(
    Effect.sync(
      () =>
        new pg.Client({
          connectionString: url(),
          application_name: "carillon-listen",
          connectionTimeoutMillis: 5_000,
          keepAlive: true
        })
    ),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  ).pipe(
    Effect.flatMap((client) =>
      Effect.callback<void>((resume) => {
        const lost = () => resume(Effect.void)
        client.on("error", lost)
        client.on("end", lost)
        client.on("notification", () => void Queue.offerUnsafe(heard, undefined))
        client
          .connect()
          .then(() => client.query(`LISTEN ${client.escapeIdentifier(channel)}`))
          .then(() => void Queue.offerUnsafe(heard, undefined), lost)
      })
    ),
    Effect.scoped
  )
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(once, Effect.sleep("5 seconds"))))
  return heard as Queue.Dequeue<void>
})
