// A server that can be killed or stopped and started again on the same data and port.
import { Effect, Exit, Scope } from "effect"

export interface Restartable {
  /** While it runs. */
  readonly pid: () => number | undefined
  readonly start: Effect.Effect<void>
  readonly stop: Effect.Effect<void>
  readonly kill9: Effect.Effect<void>
  /** False if it does not run; 0 only asks. */
  readonly signal: (signal: NodeJS.Signals | 0) => Effect.Effect<boolean>
}

/** Not started yet; stopped when the scope closes. */
export const restartable = Effect.fnUntraced(function* <E>(
  run: Effect.Effect<{ readonly pid: number }, E, Scope.Scope>
) {
  let running: { readonly scope: Scope.Closeable; readonly pid: number } | undefined
  const stop = Effect.suspend(() => {
    const closing = running ? Scope.close(running.scope, Exit.void) : Effect.void
    running = undefined
    return closing
  })
  const signal = (signal: NodeJS.Signals | 0) =>
    Effect.sync(() => {
      try {
        return running !== undefined && process.kill(running.pid, signal)
      } catch {
        // It has ended by itself.
        return false
      }
    })
  const server: Restartable = {
    pid: () => running?.pid,
    start: Effect.gen(function* () {
      if (running) return
      const scope = yield* Scope.make()
      const { pid } = yield* run.pipe(
        Scope.provide(scope),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      running = { scope, pid }
    }).pipe(Effect.orDie),
    stop,
    kill9: Effect.andThen(signal("SIGKILL"), stop),
    signal
  }
  yield* Effect.addFinalizer(() => server.stop)
  return server
})
