// Stands between a service and NATS and, when told, stops the service on a line: so many of its publishes still get
// through, and nothing after them. Then the service can be killed there.
import { connect, createServer, type Socket } from "node:net"
import { Effect } from "effect"

export interface StoppingProxy {
  readonly url: string
  /** From now on so many publishes and acknowledgements get through; look-ups do as long as it has not stopped. */
  stopAfter(publishes: number): Effect.Effect<void>
  /** What got through since, and what did not. */
  readonly passed: () => ReadonlyArray<string>
  readonly stopped: () => string | undefined
}

/** What a service does, not what it asks. */
const isPublish = (subject: string) => subject.startsWith("carillon.") || subject.startsWith("$JS.ACK.")

export const stoppingProxy = Effect.fnUntraced(function* (natsUrl: string) {
  const target = new URL(natsUrl)
  let left = Number.POSITIVE_INFINITY
  let passed: Array<string> = []
  let stopped: string | undefined
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
        const subject = size > 0 ? (words[1] ?? "") : ""
        if (stopped === undefined && isPublish(subject)) {
          if (left-- > 0) passed.push(subject)
          else stopped = subject
        }
        if (stopped === undefined) upstream.write(frame)
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
  const proxy: StoppingProxy = {
    url: `nats://127.0.0.1:${port}`,
    stopAfter: (publishes) =>
      Effect.sync(() => {
        left = publishes
        passed = []
      }),
    passed: () => passed,
    stopped: () => stopped
  }
  return proxy
})
