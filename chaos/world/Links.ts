// A connection that can be cut, stalled or slowed down: a proxy on this machine between a process and what it needs.
import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"
import { freePort } from "../../deploy/local/LocalServer.ts"

export interface Link {
  /** One for each target, in their order. */
  readonly ports: ReadonlyArray<number>
  /** Every connection is reset, and new ones are refused. */
  readonly cut: Effect.Effect<void>
  /** Nothing gets through any more, and nobody is told. */
  readonly stall: Effect.Effect<void>
  /** Everything takes so much longer, in each direction. */
  readonly slow: (millis: number) => Effect.Effect<void>
  /** As at the beginning; what was held gets through. */
  readonly heal: Effect.Effect<void>
}

interface Held {
  /** Nothing: the end. */
  readonly chunk: Buffer | undefined
  readonly since: number
}

/** `leaving` sees what comes from the process, when it comes: before it is held. */
export const link = Effect.fnUntraced(function* (
  targets: ReadonlyArray<number>,
  leaving: () => (chunk: Buffer) => void = () => () => {}
) {
  const sockets = new Set<Socket>()
  const carrying = new Set<() => void>()
  const state = { stalled: false, delay: 0 }

  const carry = (from: Socket, to: Socket, seen: (chunk: Buffer) => void) => {
    const held: Array<Held> = []
    let timer: NodeJS.Timeout | undefined
    const release = () => {
      clearTimeout(timer)
      for (let first = held[0]; first && !state.stalled; first = held[0]) {
        const left = first.since + state.delay - Date.now()
        if (left > 0) {
          timer = setTimeout(release, left)
          return
        }
        held.shift()
        if (first.chunk) to.write(first.chunk)
        else to.end()
      }
    }
    const take = (chunk?: Buffer) => {
      held.push({ chunk, since: Date.now() })
      release()
    }
    carrying.add(release)
    from.on("data", (chunk: Buffer) => {
      seen(chunk)
      take(chunk)
    })
    from.once("end", () => take())
    from.once("close", (broken) => {
      if (broken) take()
    })
    to.once("close", () => {
      clearTimeout(timer)
      carrying.delete(release)
      from.destroy()
    })
  }

  const servers = targets.map((target) =>
    createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const upstream = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true })
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.on("error", () => {}).on("close", () => sockets.delete(socket))
      }
      carry(client, upstream, leaving())
      carry(upstream, client, () => {})
    })
  )
  const reset = () => {
    // One that is being shut down cannot be reset: libuv would keep it, and Node spin at its end.
    for (const socket of sockets) socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()
  }
  const ports = yield* Effect.forEach(servers, () => freePort)
  const listen = Effect.forEach(
    servers,
    (server, index) =>
      server.listening
        ? Effect.void
        : Effect.callback<void>((resume) => void server.listen(ports[index], "127.0.0.1", () => resume(Effect.void))),
    { discard: true }
  )
  const refuse = Effect.sync(() => {
    for (const server of servers) server.close()
    reset()
  })
  yield* Effect.acquireRelease(listen, () => refuse)
  return {
    ports,
    cut: refuse,
    stall: Effect.sync(() => {
      state.stalled = true
    }),
    slow: (millis) =>
      Effect.sync(() => {
        state.delay = millis
      }),
    heal: Effect.andThen(
      listen,
      Effect.sync(() => {
        state.stalled = false
        state.delay = 0
        for (const release of carrying) release()
      })
    )
  } satisfies Link as Link
})
