// What strangers post is not taken in: who brings it is asked first, and no number of bodies keeps the probes out.
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mostBodies, Routes } from "#shared/service/Routes.ts"

const path = "/updates/telegram/default"

/** A server with this path open, and what it answers to what is sent, as soon as it says something. */
const opened = Effect.gen(function* () {
  const { post, serve } = yield* Routes
  let handled = 0
  const admits = (header: (name: string) => string | undefined) => header("secret") === "right"
  yield* post(path, admits, () =>
    Effect.sync(() => {
      handled++
      return 200
    })
  )
  const server = createServer((request, response) => {
    if (!serve(request.url ?? "", request, response)) response.writeHead(200).end("alive")
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () => Effect.sync(() => server.closeAllConnections())
  )
  const { port } = server.address() as AddressInfo
  const socket = (sent: string) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        connect(port, "127.0.0.1")
          .on("error", () => {})
          .setEncoding("utf8")
      ),
      (one) => Effect.sync(() => one.destroy())
    ).pipe(Effect.tap((one) => Effect.sync(() => one.write(sent))))
  const answered = Effect.fnUntraced(function* (sent: string) {
    const one = yield* socket(sent)
    return yield* Effect.callback<string>((resume) => {
      let answer = ""
      one.on("data", (data) => {
        answer += data
      })
      one.on("close", () => resume(Effect.succeed(answer)))
    })
  })
  const reading = Effect.callback<number>((resume) => {
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  })
  return { answered, handled: () => handled, reading, socket }
}).pipe(Effect.provide(Routes.layer))

const half = (secret: string, body = "x") =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nsecret: ${secret}\r\ncontent-length: 1000000\r\n\r\n${body}`

describe("what is posted", () => {
  it.live("by somebody unknown is refused before it is there, and the connection closed", () =>
    Effect.gen(function* () {
      const { answered, handled } = yield* opened
      assert.match(yield* answered(half("wrong", "x".repeat(10_000))), /^HTTP\/1.1 401[\s\S]*connection: close/i)
      assert.strictEqual(handled(), 0)
    })
  )

  it.live("is read so often at a time only: more is to be brought again, and probes are answered", () =>
    Effect.gen(function* () {
      const { answered, handled, reading, socket } = yield* opened
      const waiting = yield* Effect.forEach(Array.from({ length: mostBodies }), () => socket(half("right")))
      assert.match(yield* answered(half("right")), /^HTTP\/1.1 503/)
      assert.match(yield* answered("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), /alive/)
      for (const one of waiting) one.destroy()
      while ((yield* reading) > 0) yield* Effect.sleep("10 millis")
      const whole = `POST ${path} HTTP/1.1\r\nhost: x\r\nsecret: right\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`
      assert.match(yield* answered(whole), /^HTTP\/1.1 200/)
      assert.strictEqual(handled(), 1)
    })
  )
})
