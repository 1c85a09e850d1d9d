// A service as Kubernetes would run it: a process of its own, configured by its environment, asked for /readyz.
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect, Schedule } from "effect"
import type { ServiceName } from "#shared/service/Services.ts"
import { home } from "./Home.ts"
import { freePort } from "./LocalServer.ts"
import { nodeOptions } from "./NodeOptions.ts"

/** Those that every deployment has; others run where they are wanted. */
export const serviceNames = [
  "scheduler",
  "dispatcher",
  "telegram-gateway",
  "ledger"
] as const satisfies ReadonlyArray<ServiceName>

export interface ServiceProcess {
  /** Where it answers probes and metrics. */
  readonly url: string
  /** Of the newest start. */
  readonly pid: () => number | undefined
  /** Answers when it is ready. */
  readonly start: Effect.Effect<void>
  /** The same, without waiting. */
  readonly launch: Effect.Effect<void>
  readonly running: () => boolean
  readonly isReady: Effect.Effect<boolean>
  readonly kill9: Effect.Effect<void>
  /** SIGTERM; answers with the exit code. */
  readonly stop: Effect.Effect<number | null>
  /** Everything it has written to stdout and stderr, over all starts. */
  readonly output: () => string
}

const root = join(import.meta.dirname, "../..")

/** Whether a service on this machine says that it is ready; one that does not answer is not. */
export const answersReady = (port: number) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false
    )
  )

/** Until a service that was launched says that it is ready; dies with what it said if it ends before. */
export const untilReady = (
  name: ServiceName,
  port: number,
  { running, output }: Pick<ServiceProcess, "running" | "output">
) =>
  answersReady(port).pipe(
    Effect.flatMap((ok) => {
      if (ok) return Effect.void
      if (!running()) return Effect.die(new Error(`${name} ended: ${output()}`))
      return Effect.fail("not yet")
    }),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeout("60 seconds"),
    Effect.catch(() => Effect.die(new Error(`${name} is not ready: ${output()}`)))
  )

/** What a service of ours is told on this machine, whatever else it is told. */
export const ownEnvironment = (port: number, environment: Readonly<Record<string, string>>) => ({
  LOG_FORMAT: "json",
  ...environment,
  HTTP_PORT: String(port),
  HTTP_HOST: "127.0.0.1"
})

/** Not started yet. Killed when the scope closes. */
export const serviceProcess = Effect.fnUntraced(function* (
  name: ServiceName,
  environment: Readonly<Record<string, string>>
) {
  const port = yield* freePort
  const chunks: Array<string> = []
  let child: ChildProcess | undefined

  const launch = Effect.sync(() => {
    child = spawn(process.execPath, [...nodeOptions, `services/${name}/main.ts`], {
      cwd: root,
      env: {
        // biome-ignore lint/style/noProcessEnv: handed on, not read.
        PATH: process.env.PATH,
        // Halves what a start costs.
        NODE_COMPILE_CACHE: join(home, "compile-cache"),
        ...ownEnvironment(port, environment)
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    child.stdout?.on("data", (chunk) => chunks.push(String(chunk)))
    child.stderr?.on("data", (chunk) => chunks.push(String(chunk)))
  })

  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null
  const output = () => chunks.join("")

  const end = (signal: NodeJS.Signals) =>
    Effect.callback<number | null>((resume) => {
      if (!child || !running()) return resume(Effect.succeed(child?.exitCode ?? null))
      child.once("exit", (code) => resume(Effect.succeed(code)))
      child.kill(signal)
    })

  const service: ServiceProcess = {
    url: `http://127.0.0.1:${port}`,
    pid: () => child?.pid,
    start: Effect.andThen(launch, untilReady(name, port, { running, output })),
    launch,
    running,
    isReady: answersReady(port),
    kill9: Effect.asVoid(end("SIGKILL")),
    stop: end("SIGTERM"),
    output
  }
  yield* Effect.addFinalizer(() => service.kill9)
  return service
})
