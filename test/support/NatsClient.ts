// Plain connections to a nats-server, as any client has them.
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"

/** One of its own; closed when the scope closes. */
export const natsClient = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(() => connection.close())
  )

/** Each lasts as long as its server does: what waits for something asks twenty times a second. */
const open = new Map<string, Promise<NatsConnection>>()

const shared = (url: string) => {
  const known = open.get(url)
  if (known) return known
  const connecting = connect({ servers: url, reconnect: false })
  const forget = () => open.delete(url)
  connecting.then((connection) => connection.closed()).then(forget, forget)
  open.set(url, connecting)
  return connecting
}

/** By a connection that others use too, and that nobody closes. */
export const withClient = <A>(url: string, use: (connection: NatsConnection) => Promise<A>) =>
  Effect.promise(async () => use(await shared(url)))

export const withManager = <A>(url: string, use: (manager: JetStreamManager) => Promise<A>) =>
  withClient(url, async (connection) => use(await jetstreamManager(connection, { checkAPI: false })))
