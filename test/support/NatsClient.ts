// A plain connection to a nats-server, as any client has it.
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"

/** Closed when the scope closes. */
export const natsClient = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(() => connection.close())
  )

/** For one use. */
export const withClient = <A>(url: string, use: (connection: NatsConnection) => Promise<A>) =>
  Effect.scoped(Effect.flatMap(natsClient(url), (connection) => Effect.promise(() => use(connection))))

export const withManager = <A>(url: string, use: (manager: JetStreamManager) => Promise<A>) =>
  withClient(url, async (connection) => use(await jetstreamManager(connection)))
