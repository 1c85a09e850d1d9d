// Spans go out as the standard variables say, and a service loads nothing that they do not ask for.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tcpServer } from "../support/proxies/TcpServer.ts"

const root = join(import.meta.dirname, "../..")

/** Says which of OpenTelemetry's exporters it has loaded. */
const program = `
import { createRequire } from "node:module"
import { trace } from "@opentelemetry/api"
import { startTracing } from "#shared/telemetry/Tracing.ts"
const provider = await startTracing("scheduler")
trace.getTracer("test").startSpan("a span").end()
const loaded = Object.keys(createRequire(import.meta.filename).cache).flatMap((file) => file.match(/(?<=opentelemetry.)exporter-[a-z-]+/g) ?? [])
console.log(JSON.stringify([...new Set(loaded)].sort()))
await provider.shutdown()
process.exit()
`

const exported = Effect.fnUntraced(function* (settings: Readonly<Record<string, string>>) {
  let received = ""
  const { port } = yield* tcpServer((socket) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1")
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    })
  })
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--input-type=module-typescript", "--eval", program], {
        cwd: root,
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_EXPORT_TIMEOUT: "2000", ...settings }
      })
    ),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  let said = ""
  child.stdout.on("data", (chunk) => {
    said += chunk
  })
  yield* Effect.promise(() => once(child, "close"))
  const [loaded = ""] = said.split("\n").filter((line) => line.startsWith("["))
  return { received, said, loaded: loaded === "" ? said : (JSON.parse(loaded) as ReadonlyArray<string>) }
})

const cases = [
  [{}, /^content-type: application\/x-protobuf/im, ["exporter-trace-otlp-proto"]],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, /^content-type: application\/json/im, ["exporter-trace-otlp-http"]],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /^PRI \* HTTP\/2/, ["exporter-trace-otlp-grpc"]]
] as const

describe("spans", () => {
  for (const [settings, sent, packages] of cases) {
    const named = Object.values(settings).join(" ") || "what is said by default"
    it.live(`go out by ${named}, and only what it needs is loaded`, () =>
      Effect.gen(function* () {
        const { received, loaded } = yield* exported(settings)
        assert.match(received, sent)
        assert.deepStrictEqual(loaded, packages)
      })
    )
  }

  it.live("go to the console, and to no collector", () =>
    Effect.gen(function* () {
      const { received, said } = yield* exported({ OTEL_TRACES_EXPORTER: "console" })
      assert.include(said, "'a span'")
      assert.strictEqual(received, "")
    })
  )
})
