// Stands between a service and NATS and, when told, loses some of what the service sends: its acknowledgements, so that
// what it has published stands and NATS does not know that it was done; or whatever else. Then it can be killed.
import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"

export interface AckLosingProxy {
  readonly url: string
  /** From now on what the service says of its messages is lost: that it works on them, and that it is done. */
  readonly loseAcks: Effect.Effect<void>
  /** How many were done. */
  readonly lost: () => number
}

export const ackLosingProxy = Effect.fnUntraced(function* (natsUrl: string) {
  let losing = false
  let lost = 0
  const url = yield* lossyProxy(natsUrl, (subject, frame) => {
    if (!losing || !subject.startsWith("$JS.ACK.")) return false
    if (frame.includes("+ACK")) lost++
    return true
  })
  const proxy: AckLosingProxy = {
    url,
    loseAcks: Effect.sync(() => {
      losing = true
    }),
    lost: () => lost
  }
  return proxy
})

/** Answers with its address. `loses` is asked of everything that is published. */
export const lossyProxy = Effect.fnUntraced(function* (
  natsUrl: string,
  loses: (subject: string, frame: Buffer) => boolean
) {
  const target = new URL(natsUrl)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    upstream.pipe(client)
    let rest = Buffer.alloc(0)
    client.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const end = rest.indexOf("\r\n")
        if (end < 0) return
        const line = rest.subarray(0, end).toString()
        const words = line.split(" ")
        const size = /^H?PUB$/i.test(words[0] ?? "") ? Number(words.at(-1)) + 2 : 0
        const whole = end + 2 + size
        if (rest.length < whole) return
        const frame = rest.subarray(0, whole)
        rest = rest.subarray(whole)
        if (size === 0 || !loses(words[1] ?? "", frame)) upstream.write(frame)
      }
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  const { port } = server.address() as { readonly port: number }
  return `nats://127.0.0.1:${port}`
})
