// A TCP server that does with a connection what it is told.
import { type AddressInfo, createServer, type Socket } from "node:net"
import { Effect } from "effect"

export interface TcpServer {
  readonly port: number
  /** Those that are open. */
  readonly sockets: ReadonlySet<Socket>
}

/** Listens on 127.0.0.1 until the scope closes. */
export const tcpServer = (onConnection: (socket: Socket) => void = () => {}) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {}).on("close", () => sockets.delete(socket))
      onConnection(socket)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    return { port: (server.address() as AddressInfo).port, sockets } satisfies TcpServer
  })

/** Where nobody listens any more. */
export const closedPort = Effect.map(Effect.scoped(tcpServer()), ({ port }) => port)
