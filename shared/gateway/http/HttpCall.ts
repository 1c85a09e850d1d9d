// One HTTP request and its answer, for gateways whose platform is reached by HTTP: when it fails, it is known whether the
// request had left. The only importer of undici.
import { Effect, Schema } from "effect"
import { Agent, type buildConnector, type Dispatcher, Pool } from "undici"

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

export type CallFailure = NotWritten | NoAnswer
export const isCallFailure = Schema.is(Schema.Union([NotWritten, NoAnswer]))

export interface Request {
  /** Scheme, host and port. */
  readonly origin: string
  /** With its query. */
  readonly path: string
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  readonly body: NonNullable<Dispatcher.DispatchOptions["body"]>
  /**
   * For a body that is written bit by bit, to a platform that acts on nothing but the whole of it: false as long as the
   * last bit has not been handed over. A call that fails until then reached nobody.
   */
  readonly whole?: () => boolean
  /** Instead of the usual one. */
  readonly timeoutMs?: number
}

/** Whatever was answered, 2xx or not. Redirects are answers: they are not followed. */
export interface Answer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly body: Buffer
}

export interface Options {
  /** To each origin. */
  readonly connections: number
  /** Over all: waiting for a connection, connecting, writing and reading the answer. */
  readonly timeoutMs: number
  /** Of an answer, in bytes: 1 MiB if left out. */
  readonly maxResponseSize?: number
  /** Opens connections in another way. */
  readonly connect?: buildConnector.connector
}

/** Rejects with a `CallFailure`, which holds nothing of the request: addresses and tokens are in it. */
export type HttpCall = (request: Request, signal: AbortSignal) => Promise<Answer>

export const connectTimeoutMs = 10_000

// An idle connection may be closed by the other side just as we write on it, which is an outcome nobody knows:
// connections are given up well before servers do.
const agent = ({ connect, connections, maxResponseSize = 1_048_576 }: Options) =>
  new Agent({
    factory: (origin, options) => new Pool(origin, options),
    connections,
    allowH2: false,
    connectTimeout: connectTimeoutMs,
    ...(connect && { connect }),
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize
  })

/** Its connections are closed when the scope closes. */
export const httpCalls = Effect.fnUntraced(function* (options: Options) {
  const connections = yield* Effect.acquireRelease(
    Effect.sync(() => agent(options)),
    (agent) => Effect.promise(() => agent.destroy())
  )
  const call: HttpCall = (request, signal) =>
    new Promise((resolve, reject) => {
      const exchange = new Exchange(resolve, reject, request.timeoutMs ?? options.timeoutMs, request.whole)
      if (signal.aborted) return exchange.stop("ABORTED")
      signal.addEventListener("abort", () => exchange.stop("ABORTED"))
      connections.dispatch(request, exchange)
    })
  return call
})

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** One request and its answer. The first of answer, failure and stop settles it; what comes later is ignored. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private stopped = false
  private status = 0
  private headers: Headers = {}
  private readonly chunks: Array<Buffer> = []
  private readonly timer: NodeJS.Timeout
  private readonly resolve: (answer: Answer) => void
  private readonly reject: (failure: CallFailure) => void
  private readonly whole: () => boolean

  constructor(
    resolve: (answer: Answer) => void,
    reject: (failure: CallFailure) => void,
    timeoutMs: number,
    whole = () => true
  ) {
    this.resolve = resolve
    this.reject = reject
    this.whole = whole
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

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers) {
    this.status = status
    this.headers = headers
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer) {
    this.chunks.push(chunk)
  }

  onResponseEnd() {
    clearTimeout(this.timer)
    const { headers, status } = this
    const header = (name: string) => {
      const value = headers[name]
      return typeof value === "string" ? value : value?.[0]
    }
    this.resolve({ status, header, body: Buffer.concat(this.chunks) })
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error & { readonly code?: unknown }) {
    this.fail(typeof error.code === "string" ? error.code : "")
  }

  private fail(code: string) {
    clearTimeout(this.timer)
    this.reject(
      this.controller === undefined || (this.status === 0 && !this.whole())
        ? new NotWritten({ code })
        : new NoAnswer({ stage: this.status === 0 ? "waiting" : "answering", code })
    )
  }
}
