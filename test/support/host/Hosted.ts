// Services and commands as the host of a test file runs them, to be used as those with a process of their own.
import { Effect } from "effect"
import type { ServiceName } from "#shared/service/Services.ts"
import { freePort } from "../../../deploy/local/LocalServer.ts"
import { answersReady, ownEnvironment, type ServiceProcess, untilReady } from "../../../deploy/local/ServiceProcess.ts"
import { type Run, run } from "./Hosting.ts"

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export const hostedCommand = (
  command: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const said = { out: "", err: "" }
    const running = run({ command, environment }, (text, stream) => {
      said[stream] += text
    })
    running.ended.then((code) => resume(Effect.succeed({ code, ...said })))
    return Effect.sync(running.stop)
  })

/** Not started yet. Stopped when the scope closes. */
export const hostedService = Effect.fnUntraced(function* (
  name: ServiceName,
  environment: Readonly<Record<string, string>>
) {
  const port = yield* freePort
  const chunks: Array<string> = []
  let newest: Run | undefined
  let isRunning = false

  const launch = Effect.sync(() => {
    const started = run({ start: name, environment: ownEnvironment(port, environment) }, (text) => chunks.push(text))
    newest = started
    isRunning = true
    started.ended.then(() => {
      if (newest === started) isRunning = false
    })
  })
  const running = () => isRunning
  const output = () => chunks.join("")
  const stop = Effect.promise(async () => {
    newest?.stop()
    return (await newest?.ended) ?? null
  })

  const service: ServiceProcess = {
    url: `http://127.0.0.1:${port}`,
    pid: () => undefined,
    start: Effect.andThen(launch, untilReady(name, port, { running, output })),
    launch,
    running,
    isReady: answersReady(port),
    kill9: Effect.die(new Error(`${name} has no process of its own to kill: the test must name it in \`processes\``)),
    stop,
    output
  }
  yield* Effect.addFinalizer(() =>
    Effect.timeoutOrElse(stop, { duration: "20 seconds", orElse: () => Effect.sync(() => newest?.kill()) })
  )
  return service
})
