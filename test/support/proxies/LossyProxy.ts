// Stands between a service and NATS, and loses what it is told to of what the service says.
import { connect } from "node:net"
import { Effect } from "effect"
import { tcpServer } from "./TcpServer.ts"

/** Answers with its address. `loses` is asked of everything the service sends; what is no publish has the subject "". */
export const lossyProxy = Effect.fnUntraced(function* (
  natsUrl: string,
  loses: (subject: string, frame: Buffer) => boolean
) {
  const target = new URL(natsUrl)
  const { port } = yield* tcpServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    upstream.on("error", () => {}).on("close", () => client.destroy())
    client.on("close", () => upstream.destroy())
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
  return `nats://127.0.0.1:${port}`
})
