// Whoever has said where traces go hears of it when they do not get there.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { closedPort, tcpServer } from "../support/proxies/TcpServer.ts"

/** What a scheduler that sends its traces there says of it, while it has work to tell of. */
const said = Effect.fnUntraced(function* (
  port: number,
  words: string,
  until: (lines: ReadonlyArray<string>) => boolean,
  settings: Readonly<Record<string, string>> = {}
) {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
    ...settings
  }
  const { nats, services, start } = yield* carillon({ services: ["scheduler"], environment })
  yield* start
  const commands = Array.from({ length: 20 }, (_, index) => command(`traced-${index}`, 60_000))
  const about = Effect.map(publishPlainly(nats.url, commands), () => {
    const lines = services.scheduler.output().split("\n")
    return lines.filter((line) => line.includes(words))
  })
  const lines = yield* eventually("a word of it", about, until)
  return { lines, output: services.scheduler.output() }
})

describe("traces that do not arrive", () => {
  it.live("are told of with the status that the collector answered, once for many, and not with what it says", () =>
    Effect.gen(function* () {
      let refused = 0
      const { port } = yield* tcpServer((socket) =>
        socket.on("data", () => {
          refused++
          socket.end("HTTP/1.1 401 No secret\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret")
        })
      )
      const { lines, output } = yield* said(port, "traces could not be sent", ({ length }) => length > 0 && refused > 2)
      assert.lengthOf(lines, 1)
      const { level, message, service } = JSON.parse(String(lines[0]))
      assert.deepStrictEqual(
        { level, message, service },
        { level: "warn", message: "traces could not be sent: the collector answered 401", service: "scheduler" }
      )
      assert.notInclude(output, "secret")
    })
  )

  it.live("are told of with the code of the system where nobody answers", () =>
    Effect.gen(function* () {
      const { lines } = yield* said(yield* closedPort, "traces could not be sent", ({ length }) => length > 0)
      assert.include(String(lines[0]), "traces could not be sent: ECONNREFUSED")
    })
  )

  it.live("because more came than the collector takes are told of too", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer((socket) =>
        socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"))
      )
      const { lines } = yield* said(port, "spans were dropped", ({ length }) => length > 0, {
        OTEL_BSP_MAX_QUEUE_SIZE: "1"
      })
      assert.include(String(lines[0]), "spans were dropped: more came than could be sent")
    })
  )
})
