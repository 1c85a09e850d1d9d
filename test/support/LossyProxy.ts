// Stands between a service and NATS, and loses what it is told to of what the service says.
import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"

/** Answers with its address. `loses` is asked of everything the service sends; what is no publish has the subject "". */
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
        const words = rest.subarray(0, end).toString().split(" ")
        const size = /^H?PUB$/i.test(words[0] ?? "") ? Number(words.at(-1)) + 2 : 0
        const whole = end + 2 + size
        if (rest.length < whole) return
        const frame = rest.subarray(0, whole)
        rest = rest.subarray(whole)
        if (!loses(size > 0 ? (words[1] ?? "") : "", frame)) upstream.write(frame)
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
