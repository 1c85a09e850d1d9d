// A service that is started again whenever it ends by itself, as Kubernetes does; and how often it had to be.
import { Effect, Schedule } from "effect"
import type { Check } from "#shared/service/Readiness.ts"
import type { ServiceProcess } from "../../deploy/local/ServiceProcess.ts"

export interface Supervised {
  readonly name: string
  /** Waits until it is ready, but not for ever: what it needs may be away. */
  readonly start: Effect.Effect<void>
  readonly kill9: Effect.Effect<void>
  readonly stop: Effect.Effect<void>
  /** It stands still, and knows nothing of it afterwards. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** The checks that it does not pass; none if it is ready. */
  readonly failing: Effect.Effect<ReadonlyArray<string>>
  /** How often it ended without having been asked to. */
  readonly endedByItself: () => number
  readonly output: () => string
}

export const supervised = Effect.fnUntraced(function* (name: string, service: ServiceProcess) {
  let wanted = false
  let ends = 0
  const watch = Effect.gen(function* () {
    yield* Effect.sleep("200 millis")
    if (!wanted || service.running()) return
    ends++
    yield* Effect.logWarning(`${name} ended by itself`)
    yield* Effect.sleep("1 second")
    if (wanted && !service.running()) yield* service.launch
  })
  yield* Effect.forkScoped(Effect.forever(watch))
  const want = (now: boolean) =>
    Effect.sync(() => {
      wanted = now
    })
  const signal = (signal: NodeJS.Signals) =>
    Effect.sync(() => {
      const pid = service.pid()
      if (pid !== undefined && service.running()) process.kill(pid, signal)
    })
  return {
    name,
    start: Effect.gen(function* () {
      if (!service.running()) yield* service.launch
      wanted = true
      yield* service.isReady.pipe(
        Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (ready) => ready }),
        Effect.timeoutOption("20 seconds")
      )
    }),
    kill9: Effect.andThen(want(false), service.kill9),
    stop: Effect.asVoid(Effect.andThen(want(false), service.stop)),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    failing: Effect.promise(() => failing(service.url)),
    endedByItself: () => ends,
    output: service.output
  } satisfies Supervised as Supervised
})

const failing = (url: string): Promise<ReadonlyArray<string>> =>
  fetch(`${url}/readyz`)
    .then((response) => response.json() as Promise<{ readonly checks: ReadonlyArray<Check> }>)
    .then(
      ({ checks }) => checks.flatMap(({ name, ready }) => (ready ? [] : [name])),
      () => ["an answer"]
    )
