// The fetch that grammY calls: HTTP over an undici pool, which knows whether a request had left when it failed.
import { Effect, Schema } from "effect"
import { type Dispatcher, Pool } from "undici"

/** The request was never written: nothing reached the platform. `code` is Node's or undici's, "" if it has none. */
export class NotWritten extends Schema.TaggedError<NotWritten>()("NotWritten", { code: Schema.String }) {
  override get message() {
    return `not sent (${this.code})`
  }
}

/** The request left, and the answer did not come, or not whole. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {
  stage: Schema.Literals(["waiting", "answering"]),
  code: Schema.String
}) {
  override get message() {
    return `no answer, ${this.stage} (${this.code})`
  }
}

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

export interface Options {
  readonly origin: string
  readonly connections: number
  /** Over all: waiting for a connection, connecting, writing and reading the answer. */
  readonly timeoutMs: number
  /** Of an answer, in bytes: 1 MiB if left out. */
  readonly maxResponseSize?: number
}

// An idle connection may be closed by the other side just as we write on it, which is an outcome nobody knows:
// connections are given up well before servers do.
const pool = ({ connections, maxResponseSize = 1_048_576, origin }: Options) =>
  new Pool(origin, {
    connections,
    allowH2: false,
    connectTimeout: 10_000,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize
  })

/** A `fetch` as far as grammY needs it. It rejects with a `TransportFailure`, which never holds the URL: the token is in it. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const connections = yield* Effect.acquireRelease(
    Effect.sync(() => pool(options)),
    (pool) => Effect.promise(() => pool.destroy())
  )
  return (url: string, init: FetchInit) =>
    new Promise<Answer>((resolve, reject) => {
      const exchange = new Exchange(resolve, reject, options.timeoutMs)
      if (init.signal.aborted) return exchange.stop("ABORTED")
      init.signal.addEventListener("abort", () => exchange.stop("ABORTED"))
      const { body, headers, method } = init
      connections.dispatch({ path: url.slice(options.origin.length), method, headers, body }, exchange)
    })
})

interface FetchInit {
  readonly method: "POST"
  readonly headers: Record<string, string>
  readonly body: string
  readonly signal: AbortSignal
}

interface Answer {
  json(): unknown
}

/** One request and its answer. The first of answer, failure and stop settles it; what comes later is ignored. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private stopped = false
  private status = 0
  private retryAfter: string | undefined
  private readonly chunks: Array<Buffer> = []
  private readonly timer: NodeJS.Timeout
  private readonly resolve: (answer: Answer) => void
  private readonly reject: (failure: TransportFailure) => void

  constructor(resolve: (answer: Answer) => void, reject: (failure: TransportFailure) => void, timeoutMs: number) {
    this.resolve = resolve
    this.reject = reject
    this.timer = setTimeout(() => this.stop("TIMED_OUT"), timeoutMs)
  }

  stop(code: string) {
    if (this.stopped) return
    this.stopped = true
    this.fail(code)
    this.controller?.abort(new Error("stopped"))
  }

  // The last moment before writing: undici calls this on a connection that stands.
  onRequestStart(controller: Dispatcher.DispatchController) {
    if (this.stopped) controller.abort(new Error("stopped"))
    else this.controller = controller
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>
  ) {
    this.status = status
    const retryAfter = headers["retry-after"]
    if (typeof retryAfter === "string") this.retryAfter = retryAfter
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer) {
    this.chunks.push(chunk)
  }

  onResponseEnd() {
    clearTimeout(this.timer)
    const answer = this.status < 500 ? parse(Buffer.concat(this.chunks).toString()) : undefined
    if (isBotApiAnswer(answer)) this.resolve({ json: () => answer })
    else {
      const { retryAfter, status } = this
      this.reject(new OddAnswer(retryAfter === undefined ? { status } : { status, retryAfter }))
    }
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error & { readonly code?: unknown }) {
    this.fail(typeof error.code === "string" ? error.code : "")
  }

  private fail(code: string) {
    clearTimeout(this.timer)
    this.reject(
      this.controller === undefined
        ? new NotWritten({ code })
        : new NoAnswer({ stage: this.status === 0 ? "waiting" : "answering", code })
    )
  }
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
