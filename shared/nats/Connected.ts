// Since when we are connected to NATS without a break. A server that was away may have been killed: it then has forgotten
// what it gave, and what was acknowledged, in its last moments, and gives it again as if for the first time.
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Stream } from "effect"
import type { ServerClock } from "./ServerClock.ts"

/** By the server's clock, in milliseconds; Infinity while there is no connection. */
export type ConnectedSince = () => number

/** Begin it when the connection stands. */
export const watchConnected = Effect.fnUntraced(function* (connection: NatsConnection, { now }: ServerClock) {
  let since = now()
  yield* Effect.forkScoped(
    Effect.ignore(
      Stream.runForEach(
        Stream.fromAsyncIterable(connection.status(), () => undefined),
        ({ type }) =>
          Effect.sync(() => {
            if (type === "disconnect") since = Number.POSITIVE_INFINITY
            if (type === "reconnect") since = now()
          })
      )
    )
  )
  return (() => since) satisfies ConnectedSince as ConnectedSince
})
