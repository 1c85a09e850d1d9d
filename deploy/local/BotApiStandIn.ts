// Stands in for Telegram's Bot API on this machine: real HTTP, Telegram's answers, and its failures when asked for.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Data, Effect, Schema } from "effect"
import {
  botOf,
  faultOf,
  fieldsOf,
  fileId,
  messageOf,
  parseRequest,
  type Received,
  sendMethods
} from "./BotApiMessages.ts"
import { type Answer, StandInUpdates, updateMethods } from "./StandInUpdates.ts"

export type { Received }

/**
 * How to answer one request, instead of as Telegram would. `delivered`: the message reaches the phone all the same, as
 * it may at Telegram when only the answer is lost.
 */
export type Reply = Data.TaggedEnum<{
  /** An error in the Bot API's own form. */
  ApiError: { readonly code: number; readonly description: string; readonly parameters?: object }
  /** Any HTTP answer: a proxy's page, a truncated JSON. */
  Raw: {
    readonly status: number
    readonly body: string
    readonly headers?: Readonly<Record<string, string>>
    readonly delivered?: boolean
  }
  /** The connection is reset when the request has been read. */
  Reset: { readonly delivered?: boolean }
  /** The message is delivered, and the connection closes halfway through the answer. */
  Half: Record<never, never>
  /** No answer, as long as the stand-in lives. */
  Hang: { readonly delivered?: boolean }
  /** The usual answer, this late. The message is delivered even if the client has gone by then. */
  Delay: { readonly ms: number }
}>
export const Reply = Data.taggedEnum<Reply>()

export interface Options {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Called for every message that reaches a phone. */
  readonly onMessage?: (received: Received) => void
  /** Called for every `sendMessage` and `getMe`; `undefined` lets the stand-in answer as Telegram would. */
  readonly answer?: (received: Received, method: string) => Reply | undefined
}

export interface BotApiStandIn {
  /** For TELEGRAM_API_ROOT. A path may be appended: the stand-in takes any. */
  readonly apiRoot: string
  /** Every send that came in, whatever the answer, oldest first. Grows. */
  readonly requests: ReadonlyArray<Received>
  /** Those that reached a phone. Grows. */
  readonly received: ReadonlyArray<Received>
  /** The people of a bot, by the number before the colon of its token. */
  readonly people: (bot: string) => StandInUpdates
}

export class BotApiStandInError extends Schema.TaggedError<BotApiStandInError>()("BotApiStandInError", {
  port: Schema.Number,
  code: Schema.String
}) {
  override get message() {
    return this.code === "EADDRINUSE"
      ? `The stand-in of the Bot API cannot listen on 127.0.0.1:${this.port}: the port is in use`
      : `The stand-in of the Bot API cannot listen on 127.0.0.1:${this.port} (${this.code})`
  }
}

/** Listens on 127.0.0.1 until the scope closes. */
export const startBotApiStandIn = Effect.fnUntraced(function* (options: Options = {}) {
  const requests: Array<Received> = []
  const received: Array<Received> = []
  const messageIds = new Map<string, number>()
  const fileIds = new Map<string, Set<string>>()

  const known = ({ bot }: Received) => {
    const ids = fileIds.get(bot) ?? new Set()
    fileIds.set(bot, ids)
    return ids
  }
  const bots = new Map<string, StandInUpdates>()
  const people = (bot: string) => {
    const found = bots.get(bot) ?? new StandInUpdates(sayAnswer)
    bots.set(bot, found)
    return found
  }

  const deliver = (message: Received) => {
    const next = () => {
      const id = (messageIds.get(message.chatId) ?? 0) + 1
      messageIds.set(message.chatId, id)
      return id
    }
    const messages = message.files.map((file) => {
      const ofFile = fileId(message, file, known(message))
      known(message).add(ofFile)
      return messageOf(next(), message, file, ofFile)
    })
    if (messages.length === 0) messages.push(messageOf(next(), message, undefined, ""))
    received.push(message)
    options.onMessage?.(message)
    return JSON.stringify({ ok: true, result: message.method === "sendMediaGroup" ? messages : messages[0] })
  }

  const asTelegram = (message: Received, response: ServerResponse) => {
    const fault = faultOf(message, known(message))
    return fault === undefined
      ? json(response, 200, deliver(message))
      : apiError(response, 400, `Bad Request: ${fault}`)
  }

  const follow = (reply: Reply, message: Received, response: ServerResponse, usual: () => void) =>
    Reply.$match(reply, {
      ApiError: ({ code, description, parameters }) => apiError(response, code, description, parameters),
      Raw: ({ body, delivered, headers, status }) => {
        if (delivered) deliver(message)
        response.writeHead(status, headers).end(body)
      },
      Reset: ({ delivered }) => {
        if (delivered) deliver(message)
        response.req.socket.resetAndDestroy()
      },
      Half: () => {
        const answer = deliver(message)
        response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) })
        response.write(answer.slice(0, answer.length / 2), () => response.destroy())
      },
      Hang: ({ delivered }) => {
        if (delivered) deliver(message)
      },
      Delay: ({ ms }) => {
        setTimeout(usual, ms).unref()
      }
    })

  const handle = (request: IncomingMessage, body: Buffer, response: ServerResponse) => {
    const [token, method] = target(request.url ?? "")
    if (token === undefined) return apiError(response, 404, "Not Found")
    if (!/^[1-9]\d*:[\w-]+$/.test(token)) return apiError(response, 401, "Unauthorized: invalid token specified")
    if (updateMethods.has(method ?? "")) {
      const fields = fieldsOf(request.headers["content-type"], body)
      if (fields === undefined) return apiError(response, 400, "Bad Request: can't parse request")
      const answer = people(botOf(token)).answer(method ?? "", fields, response)
      return answer && sayAnswer(response, answer)
    }
    if (method === undefined || (!sendMethods.has(method) && method !== "getMe"))
      return apiError(response, 404, "Not Found: method not found")
    const message = parseRequest(token, method, request.headers["content-type"], body)
    if (message === undefined) return apiError(response, 400, "Bad Request: can't parse request")
    if (method !== "getMe") requests.push(message)
    const usual = () => (method === "getMe" ? json(response, 200, me(token)) : asTelegram(message, response))
    const reply = options.answer?.(message, method)
    return reply === undefined ? usual() : follow(reply, message, response, usual)
  }

  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    const body: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => body.push(chunk))
    request.on("end", () => handle(request, Buffer.concat(body), response))
    request.on("error", () => {})
  })

  const port = yield* Effect.acquireRelease(
    Effect.callback<number, BotApiStandInError>((resume) => {
      server.once("error", ({ code = "" }: NodeJS.ErrnoException) =>
        resume(Effect.fail(new BotApiStandInError({ port: options.port ?? 0, code })))
      )
      server.listen(options.port ?? 0, "127.0.0.1", () =>
        resume(Effect.succeed((server.address() as AddressInfo).port))
      )
    }),
    () =>
      Effect.callback<void>((resume) => {
        for (const bot of bots.values()) bot.webhook = undefined
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return { apiRoot: `http://127.0.0.1:${port}`, requests, received, people } satisfies BotApiStandIn
})

/** Token and method of `…/bot<token>/<method>`. */
const target = (url: string) => /\/bot([^/]*)\/([^/?]*)(?:\?|$)/.exec(url)?.slice(1) ?? []

const me = (token: string) =>
  JSON.stringify({
    ok: true,
    result: { id: Number.parseInt(token, 10), is_bot: true, first_name: "Stand-in", username: "stand_in_bot" }
  })

const sayAnswer = (response: ServerResponse, answer: Answer) =>
  "result" in answer
    ? json(response, 200, JSON.stringify({ ok: true, result: answer.result }))
    : apiError(response, answer.code, answer.description)

const apiError = (response: ServerResponse, code: number, description: string, parameters?: object) =>
  json(response, code, JSON.stringify({ ok: false, error_code: code, description, ...(parameters && { parameters }) }))

const json = (response: ServerResponse, status: number, body: string) => {
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body)
}
