// Since when we are connected to NATS without a break, and awake. A server that was away may have been killed: it then has
// forgotten what it gave, and what was acknowledged, in its last moments, and gives it again as if for the first time. And
// what we had when our machine was suspended, or this process stopped, NATS has given to another by the time we wake.
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Stream } from "effect"
import { pullExpiresMillis } from "../layout/Topology.ts"
import type { ServerClock } from "./ServerClock.ts"

/** By the server's clock, in milliseconds; Infinity while there is no connection. */
export type PresentSince = () => number

const beatMillis = 1_000

/** As long as NATS waits for a gateway, and for half as long as for others, before it gives to another what they have. */
const longestPauseMillis = 5_000

/** Begin it when the connection stands. */
export const watchPresence = Effect.fnUntraced(function* (connection: NatsConnection, clock: ServerClock) {
  const { leftBehindAt, now } = clock
  let connected = now()
  let awake = connected
  // The wall clock: the steady one stands still while a machine is suspended. One that is set ahead costs a look into the log.
  let beat = Date.now()
  const listen = () => {
    const paused = Date.now() - beat
    beat += paused
    // What we had asked for when it began was given to us while we could not hear it.
    if (paused > longestPauseMillis) awake = now() + pullExpiresMillis
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(listen, beatMillis).unref()),
    (beats) => Effect.sync(() => clearInterval(beats))
  )
  yield* Effect.forkScoped(
    Effect.ignore(
      Stream.runForEach(
        Stream.fromAsyncIterable(connection.status(), () => undefined),
        ({ type }) =>
          Effect.sync(() => {
            if (type === "disconnect") connected = Number.POSITIVE_INFINITY
            if (type === "reconnect") connected = now()
          })
      )
    )
  )
  return (() => {
    listen()
    return Math.max(connected, awake, leftBehindAt() + pullExpiresMillis)
  }) satisfies PresentSince as PresentSince
})
