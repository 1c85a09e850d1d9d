// What a service answers over HTTP: /livez while its event loop turns, /readyz while every check holds, /metrics, and
// what its parts have opened (Routes.ts).
import { createServer } from "node:http"
import { Effect, Option, Schema } from "effect"
import { Telemetry } from "#shared/telemetry/Telemetry.ts"
import { Readiness } from "./Readiness.ts"
import { Routes } from "./Routes.ts"
import { servicePorts } from "./Services.ts"
import { port as anyPort, setting } from "./Settings.ts"

export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  port: Schema.Int,
  setting: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    const { code } = this.cause as { readonly code?: string }
    return code === "EADDRINUSE"
      ? `Port ${this.port} is in use: stop what listens there, or set ${this.setting} to another port.`
      : `Cannot listen on port ${this.port} (${code ?? "unknown error"}): set ${this.setting} to another port.`
  }
}

/** Who is slow to ask is not waited for, and nobody takes all connections. Headers of more than 16 KiB are refused by Node. */
const bounds = { headersTimeout: 5_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 }
const mostConnections = 500

const portSetting = setting("HTTP_PORT", anyPort, {
  says: "Where probes, metrics and what platforms bring are answered; 0 is any free port",
  otherwise: `${Object.entries(servicePorts)
    .map(([name, port]) => `${port} of the ${name}`)
    .join(", ")}; 8080 of \`npm start\``
})
const hostSetting = setting("HTTP_HOST", Schema.String, {
  says: "The address to listen on",
  byDefault: "0.0.0.0"
})

/** Serves the probes while the scope lives. HTTP_PORT 0 takes any free port; unset takes the service's own. */
export const serveHealth = Effect.fnUntraced(function* (defaultPort: number) {
  const port = Option.getOrElse(yield* portSetting.given, () => defaultPort)
  const host = yield* hostSetting
  const { report } = yield* Readiness
  const { serve } = yield* Routes
  const { serveMetrics } = yield* Telemetry
  const services = yield* Effect.context<never>()
  const server = createServer(bounds, (request, response) => {
    const path = request.url?.split("?")[0]
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`)
    if (path === "/livez") return answer(200, { live: true })
    if (path === "/metrics") return serveMetrics(request, response)
    if (path !== undefined && serve(path, request, response)) return
    if (path !== "/readyz") return answer(404, { error: "there are /livez, /readyz and /metrics" })
    return Effect.runCallbackWith(services)(report, {
      onExit: (exit) => {
        const checks = exit._tag === "Success" ? exit.value : []
        const ready = checks.length > 0 && checks.every((check) => check.ready)
        answer(ready ? 200 : 503, { ready, checks })
      }
    })
  })
  server.maxConnections = mostConnections
  yield* Effect.acquireRelease(
    Effect.callback<void, PortTaken>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new PortTaken({ port, setting: portSetting.key, cause }))))
      server.listen(port, host, () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
})
