// The Bot API as the benchmark's messages need it, answering at once, in a process of its own: it keeps when each chat was
// reached. The whole stand-in (deploy/local) costs as much as a gateway, which shares the machine with it.
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** What arrived since the last reset: one entry a request, in order. Instants in milliseconds since the epoch. */
export interface Arrivals {
  readonly chats: Float64Array
  readonly at: Float64Array
  /** How late this process itself was at worst in 99 of 100 looks, in milliseconds. */
  readonly ownDelay: number
}

export interface Progress {
  readonly count: number
  readonly first: number
  readonly last: number
}

export type Question = "reset" | "progress" | "arrivals"

let chats: Array<number> = []
let at: Array<number> = []
const resolution = 1
const delay = monitorEventLoopDelay({ resolution })
delay.enable()

const progress = (): Progress => ({ count: at.length, first: at[0] ?? 0, last: at.at(-1) ?? 0 })
const arrivals = (): Arrivals => ({
  chats: Float64Array.from(chats),
  at: Float64Array.from(at),
  ownDelay: Math.max(0, delay.percentile(99) / 1e6 - resolution)
})

const me = { id: 1, is_bot: true, first_name: "Bench", username: "bench_bot" }
const chatIn = (body: string) => Number(/"chat_id":"?(-?\d+)/.exec(body)?.[1])

const resultOf = (method: string | undefined, body: string): unknown => {
  if (method === "getMe") return me
  if (method !== "sendMessage") return true
  const chat = chatIn(body)
  chats.push(chat)
  return { message_id: at.push(Date.now()), date: Math.floor(Date.now() / 1_000), chat: { id: chat, type: "private" } }
}

const bodyOf = (request: IncomingMessage, take: (body: string) => void) => {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (piece: string) => {
    body += piece
  })
  request.on("end", () => take(body))
}

const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) =>
  bodyOf(request, (body) => {
    const answer = JSON.stringify({ ok: true, result: resultOf(request.url?.split("/").at(-1), body) })
    response
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) })
      .end(answer)
  })
).listen(0, "127.0.0.1", () =>
  process.send?.({ apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
)

process.on("message", (question: Question) => {
  if (question === "reset") {
    chats = []
    at = []
    delay.reset()
  }
  process.send?.(question === "arrivals" ? arrivals() : progress())
})
process.on("disconnect", () => process.exit())
