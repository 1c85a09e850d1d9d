// What a service takes in over HTTP beside its probes: each part of it opens a path of its own.
import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, Layer, type Scope } from "effect"

/** The status to answer with. */
type Handle<R> = (body: Uint8Array, header: (name: string) => string | undefined) => Effect.Effect<number, never, R>

export class Routes extends Context.Service<
  Routes,
  {
    /** Takes what is posted to a path for as long as the scope lives. */
    post<R>(path: string, handle: Handle<R>): Effect.Effect<void, never, R | Scope.Scope>
    /** Answers if the path is open; false if it is none. */
    readonly serve: (path: string, request: IncomingMessage, response: ServerResponse) => boolean
  }
>()("shared/service/Routes") {
  static readonly layer = Layer.sync(Routes, () => {
    const open = new Map<string, (body: Uint8Array, request: IncomingMessage, response: ServerResponse) => void>()
    return Routes.of({
      post: <R>(path: string, handle: Handle<R>) =>
        Effect.gen(function* () {
          const run = Effect.runCallbackWith(yield* Effect.context<R>())
          yield* Effect.acquireRelease(
            Effect.sync(() =>
              open.set(path, (body, request, response) => {
                const answered = Effect.suspend(() => handle(body, headerOf(request)))
                const logged = Effect.tapCauseIf(answered, Cause.hasDies, () => Effect.logError(`${path}: a bug`))
                run(logged, { onExit: (exit) => end(response, Exit.isSuccess(exit) ? exit.value : 500) })
              })
            ),
            () => Effect.sync(() => open.delete(path))
          )
        }),
      serve: (path, request, response) => {
        const route = open.get(path)
        if (!route) return false
        if (request.method === "POST") read(request, response, (body) => route(body, request, response))
        else end(response, 405)
        return true
      }
    })
  })
}

/** More than any update of a platform has. */
const longestBody = 1_048_576

const read = (request: IncomingMessage, response: ServerResponse, whole: (body: Uint8Array) => void) => {
  const chunks: Array<Buffer> = []
  let length = 0
  request.on("data", (chunk: Buffer) => {
    length += chunk.length
    if (length <= longestBody) chunks.push(chunk)
    else if (!response.headersSent) {
      response.setHeader("connection", "close")
      end(response, 413, () => request.destroy())
    }
  })
  request.on("end", () => {
    if (length <= longestBody) whole(Buffer.concat(chunks))
  })
  request.on("error", () => {})
}

const headerOf = (request: IncomingMessage) => (name: string) => {
  const value = request.headers[name.toLowerCase()]
  return typeof value === "string" ? value : undefined
}

const end = (response: ServerResponse, status: number, then?: () => void) =>
  response.writeHead(status, { "content-type": "application/json" }).end(`{"status":${status}}\n`, then)
