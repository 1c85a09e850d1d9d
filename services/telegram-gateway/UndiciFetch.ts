// The fetch that grammY calls. It rejects with a `TransportFailure`, which never holds the URL: the token is in it.
import { Readable } from "node:stream"
import { Effect, Schema } from "effect"
import { type HttpCall, httpCalls, NoAnswer, NotWritten, type Options } from "#shared/gateway/http/HttpCall.ts"

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

interface FetchOptions extends Options {
  readonly origin: string
  /** Of a request that carries files. */
  readonly uploadTimeoutMs: number
}

/** A `fetch` as far as grammY needs it. */
export const make = ({ origin, uploadTimeoutMs, ...options }: FetchOptions) =>
  Effect.map(httpCalls(options), (call) => async (url: string, init: FetchInit) => {
    const { body, headers, method, signal } = init
    const content = typeof body === "string" ? { body } : { ...uploaded(body, init.signal), timeoutMs: uploadTimeoutMs }
    return botApiAnswer(await call({ origin, path: url.slice(origin.length), method, headers, ...content }, signal))
  })

interface FetchInit {
  readonly method: "POST"
  readonly headers: Record<string, string>
  readonly body: string | AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

/** Small, so that "not yet handed over" is true for as long as it can be. */
const bitBytes = 65_536

/**
 * The Bot API acts on an upload when it has all of it. grammY ends a body in which reading failed as if it were whole,
 * and aborts: so the last bit is kept back until it is known that nothing failed.
 */
const uploaded = (source: AsyncIterable<Uint8Array>, signal: AbortSignal) => {
  let whole = false
  async function* bits() {
    let last: Uint8Array | undefined
    for await (const piece of source) {
      for (let at = 0; at < piece.length; at += bitBytes) {
        if (last) yield last
        last = piece.subarray(at, at + bitBytes)
      }
    }
    if (signal.aborted) throw new Error("aborted")
    whole = true
    if (last) yield last
  }
  return { body: Readable.from(bits(), { objectMode: false }), whole: () => whole }
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
