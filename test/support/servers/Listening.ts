// Servers on a port of their own, as long as a scope lasts.
import type { AddressInfo, Server, Socket } from "node:net"
import { Effect } from "effect"

export interface Listening {
  readonly port: number
  /** The connections that are open. */
  readonly sockets: ReadonlySet<Socket>
}

/** Listens on 127.0.0.1 until the scope closes; then its connections are cut. */
export const listening = Effect.fnUntraced(function* (server: Server) {
  const sockets = new Set<Socket>()
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("error", () => {}).on("close", () => sockets.delete(socket))
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  return { port: (server.address() as AddressInfo).port, sockets } satisfies Listening
})
