// A TCP server that does with a connection what it is told.
import { createServer, type Socket } from "node:net"
import { Effect } from "effect"
import { listening } from "../servers/Listening.ts"

/** Listens on 127.0.0.1 until the scope closes. */
export const tcpServer = (onConnection: (socket: Socket) => void = () => {}) =>
  Effect.suspend(() => listening(createServer(onConnection)))

/** Where nobody listens any more. */
export const closedPort = Effect.map(Effect.scoped(tcpServer()), ({ port }) => port)
