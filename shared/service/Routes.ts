// What a service takes in over HTTP beside its probes: each part of it opens a path of its own.
import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, Layer, type Scope } from "effect"

type Header = (name: string) => string | undefined
/** The status to answer with. */
type Handle<R> = (body: Uint8Array, header: Header) => Effect.Effect<number, never, R>

export class Routes extends Context.Service<
  Routes,
  {
    /** Takes what is posted to a path for as long as the scope lives: of whom its headers admit, for others nothing is read. */
    post<R>(
      path: string,
      admits: (header: Header) => boolean,
      handle: Handle<R>
    ): Effect.Effect<void, never, R | Scope.Scope>
    /** Answers if the path is open; false if it is none. */
    readonly serve: (path: string, request: IncomingMessage, response: ServerResponse) => boolean
  }
>()("shared/service/Routes") {
  static readonly layer = Layer.sync(Routes, () => {
    const open = new Map<string, Route>()
    const bodies = new Set<ServerResponse>()
    return Routes.of({
      post: <R>(path: string, admits: Route["admits"], handle: Handle<R>) =>
        Effect.gen(function* () {
          const run = Effect.runCallbackWith(yield* Effect.context<R>())
          yield* Effect.acquireRelease(
            Effect.sync(() =>
              open.set(path, {
                admits,
                take: (body, request, response) => {
                  const answered = Effect.suspend(() => handle(body, headerOf(request)))
                  const logged = Effect.tapCauseIf(answered, Cause.hasDies, () => Effect.logError(`${path}: a bug`))
                  run(logged, { onExit: (exit) => end(response, Exit.isSuccess(exit) ? exit.value : 500) })
                }
              })
            ),
            () => Effect.sync(() => open.delete(path))
          )
        }),
      serve: (path, request, response) => {
        const route = open.get(path)
        if (!route) return false
        if (request.method !== "POST") end(response, 405)
        else if (!route.admits(headerOf(request))) hangUp(response, 401)
        else if (bodies.size >= mostBodies) hangUp(response, 503)
        else {
          bodies.add(response)
          response.once("close", () => bodies.delete(response))
          read(request, response, (body) => route.take(body, request, response))
        }
        return true
      }
    })
  })
}

interface Route {
  readonly admits: (header: Header) => boolean
  readonly take: (body: Uint8Array, request: IncomingMessage, response: ServerResponse) => void
}

/** So many are read or dealt with at a time: of the connections that a service has, most stay for its probes. */
export const mostBodies = 200

/** More than any update of a platform has. */
const longestBody = 1_048_576

const read = (request: IncomingMessage, response: ServerResponse, whole: (body: Uint8Array) => void) => {
  const chunks: Array<Buffer> = []
  let length = 0
  request.on("data", (chunk: Buffer) => {
    length += chunk.length
    if (length <= longestBody) chunks.push(chunk)
    else if (!response.headersSent) hangUp(response, 413)
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

/** What else comes of the body is not waited for. */
const hangUp = (response: ServerResponse, status: number) => {
  response.setHeader("connection", "close")
  end(response, status, () => response.req.destroy())
}

const end = (response: ServerResponse, status: number, then?: () => void) =>
  response.writeHead(status, { "content-type": "application/json" }).end(`{"status":${status}}\n`, then)
