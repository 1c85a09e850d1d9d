// The fetch that grammY calls. It rejects with a `TransportFailure`, which never holds the URL: the token is in it.
import { Effect, Schema } from "effect"
import { type HttpCall, httpCalls, NoAnswer, NotWritten, type Options } from "#shared/gateway/HttpCall.ts"

/** An answer that is a server's failure, or does not look like the Bot API's: a proxy's page, half a JSON. */
export class OddAnswer extends Schema.TaggedError<OddAnswer>()("OddAnswer", {
  status: Schema.Number,
  retryAfter: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `HTTP ${this.status} without an answer of the Bot API`
  }
}

export type TransportFailure = NotWritten | NoAnswer | OddAnswer
export const isTransportFailure = Schema.is(Schema.Union([NotWritten, NoAnswer, OddAnswer]))

/** A `fetch` as far as grammY needs it. */
export const make = ({ origin, ...options }: Options & { readonly origin: string }) =>
  Effect.map(httpCalls(options), (call) => async (url: string, init: FetchInit) => {
    const { body, headers, method, signal } = init
    const request = { origin, path: url.slice(origin.length), method, headers, body }
    return botApiAnswer(await call(request, signal))
  })

interface FetchInit {
  readonly method: "POST"
  readonly headers: Record<string, string>
  readonly body: string
  readonly signal: AbortSignal
}

const botApiAnswer = ({ body, header, status }: Awaited<ReturnType<HttpCall>>) => {
  const answer = status < 500 ? parse(body.toString()) : undefined
  if (isBotApiAnswer(answer)) return { json: () => answer }
  const retryAfter = header("retry-after")
  throw new OddAnswer(retryAfter === undefined ? { status } : { status, retryAfter })
}

const isBotApiAnswer = (answer: unknown) =>
  typeof answer === "object" && answer !== null && "ok" in answer && typeof answer.ok === "boolean"

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
