// Stands in for a receiver of webhooks: real HTTP, and its failures when asked for.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import { Data, Effect } from "effect"
import type { WebhookPost } from "#shared/contract/WebhookPost.ts"
import { listening } from "../servers/Listening.ts"

/** One post as it came in. */
export interface Posted {
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** As it was signed. */
  readonly raw: string
  readonly post: WebhookPost
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number
}

/** How to answer one post, instead of with 204. `taken`: the receiver has it all the same, and only the answer is lost. */
export type Reply = Data.TaggedEnum<{
  Answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection is reset when the post has been read. */
  Reset: { readonly taken?: boolean }
  /** The receiver has it, and the connection closes halfway through the answer. */
  Half: Record<never, never>
  /** No answer, as long as the receiver lives. */
  Hang: { readonly taken?: boolean }
  /** 204, this late. */
  Delay: { readonly ms: number }
}>
export const Reply = Data.taggedEnum<Reply>()

export interface WebhookReceiver {
  /** http://127.0.0.1:port; any path is a receiver of its own. */
  readonly root: string
  /** Every post that came in, whatever the answer, oldest first. Grows. */
  readonly requests: ReadonlyArray<Posted>
  /** Those that were taken. Grows. */
  readonly taken: ReadonlyArray<Posted>
}

/** Listens on 127.0.0.1 until the scope closes. */
export const webhookReceiver = Effect.fnUntraced(function* (
  answer: (posted: Posted) => Reply | undefined = () => undefined
) {
  const requests: Array<Posted> = []
  const taken: Array<Posted> = []
  const take = (posted: Posted, response: ServerResponse) => {
    taken.push(posted)
    response.writeHead(204).end()
  }

  const follow = (reply: Reply, posted: Posted, response: ServerResponse) =>
    Reply.$match(reply, {
      Answer: ({ body = "", headers, status }) => {
        if (status >= 200 && status < 300) taken.push(posted)
        response.writeHead(status, headers).end(body)
      },
      Reset: (reset) => {
        if (reset.taken) taken.push(posted)
        response.req.socket.resetAndDestroy()
      },
      Half: () => {
        taken.push(posted)
        response.writeHead(200, { "content-length": 100 })
        response.write('{"id":', () => response.destroy())
      },
      Hang: (hang) => {
        if (hang.taken) taken.push(posted)
      },
      Delay: ({ ms }) => {
        setTimeout(() => take(posted, response), ms).unref()
      }
    })

  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    let raw = ""
    request.setEncoding("utf8")
    request.on("error", () => {})
    request.on("data", (chunk: string) => {
      raw += chunk
    })
    request.on("end", () => {
      const at = performance.timeOrigin + performance.now()
      const posted = { path: request.url ?? "", headers: request.headers, raw, post: JSON.parse(raw), at }
      requests.push(posted)
      const reply = answer(posted)
      return reply === undefined ? take(posted, response) : follow(reply, posted, response)
    })
  })
  const { port } = yield* listening(server)
  return { root: `http://127.0.0.1:${port}`, requests, taken } satisfies WebhookReceiver
})
