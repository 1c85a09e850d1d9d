// Runs services and commands side by side in one process: loading their code costs more than most tests do. Each has an
// environment of its own and a console of its own, and shares nothing with the others but the code, the clock and the
// figures at /metrics. What needs a process of its own is started as one: ServiceProcess.ts, Cli.ts.
import { Console as NodeConsole } from "node:console"
import { Writable } from "node:stream"
import { ConfigProvider, Console, Effect, type Exit, type Fiber } from "effect"
import * as RunService from "#shared/service/RunService.ts"
import type { ServiceName } from "#shared/service/Services.ts"
import * as cli from "../../../cli/main.ts"
import { dispatcher } from "../../../services/dispatcher/main.ts"
import { ledger } from "../../../services/ledger/main.ts"
import { scheduler } from "../../../services/scheduler/main.ts"
import { tableBridge } from "../../../services/table-bridge/main.ts"
import { telegramGateway } from "../../../services/telegram-gateway/main.ts"
import { webhookGateway } from "../../../services/webhook-gateway/main.ts"
import type { Order, Told } from "./Orders.ts"

type Program = Effect.Effect<unknown, unknown>

const services: Record<ServiceName, Program> = {
  scheduler: RunService.service("scheduler", scheduler),
  dispatcher: RunService.service("dispatcher", dispatcher),
  "telegram-gateway": RunService.service("telegram-gateway", telegramGateway),
  "webhook-gateway": RunService.service("webhook-gateway", webhookGateway),
  ledger: RunService.service("ledger", ledger),
  "table-bridge": RunService.service("table-bridge", tableBridge)
}

const tell = (told: Told) => process.send?.(told)

const consoleOf = (id: number) => {
  const lines = (stream: "out" | "err") =>
    new Writable({
      write: (chunk, _, done) => {
        tell({ id, what: stream === "out" ? { out: String(chunk) } : { err: String(chunk) } })
        done()
      }
    })
  return new NodeConsole(lines("out"), lines("err"))
}

const running = new Map<number, Fiber.Fiber<unknown, unknown>>()

const run = (
  id: number,
  program: Program,
  environment: Readonly<Record<string, string>>,
  code: (exit: Exit.Exit<unknown, unknown>) => number
) => {
  const fiber = Effect.runFork(
    program.pipe(
      Effect.provideService(Console.Console, consoleOf(id)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment }))
    )
  )
  running.set(id, fiber)
  fiber.addObserver((exit) => {
    running.delete(id)
    tell({ id, what: { code: code(exit) } })
  })
}

process.on("message", ({ id, what }: Order) => {
  if (what === "stop") running.get(id)?.interruptUnsafe()
  else if ("start" in what) run(id, services[what.start], what.environment, RunService.exitCode)
  else run(id, cli.run(what.command), what.environment, (exit) => cli.exitCode(exit, what.command))
})
// With the tests that wanted it.
process.on("disconnect", () => process.exit())
