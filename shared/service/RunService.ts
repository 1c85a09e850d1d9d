// Runs one service as a process: probes, logs, signals, exit codes. Every service's main.ts ends here.
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Config, Effect, Exit, Layer, Logger, References, type Scope } from "effect"
import { Telemetry } from "#shared/telemetry/Telemetry.ts"
import { serveHealth } from "./Health.ts"
import { Readiness } from "./Readiness.ts"

/** SIGTERM and SIGINT interrupt the program, which finishes what is in flight; that is a success. */
export const runMain = <A, E>(program: Effect.Effect<A, E>) =>
  NodeRuntime.runMain(program.pipe(Effect.tapCause(explain)), {
    disableErrorReporting: true,
    teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })

export const runService = <A, E>(
  name: string,
  httpPort: number,
  program: Effect.Effect<A, E, Readiness | Scope.Scope>
) =>
  runMain(
    Effect.gen(function* () {
      yield* serveHealth(httpPort)
      yield* Effect.logInfo("starting")
      yield* Effect.addFinalizer(() => Effect.logInfo("stopped"))
      return yield* program
    }).pipe(
      Effect.scoped,
      Effect.annotateLogs({ service: name }),
      Effect.provide(Layer.mergeAll(Readiness.layer, Telemetry.layer(name), loggerLayer))
    )
  )

/** JSON lines for machines, one readable line for people; LOG_LEVEL from Trace to Fatal. */
export const loggerLayer = Layer.unwrap(
  Effect.gen(function* () {
    const level = yield* Config.LogLevel("LOG_LEVEL").pipe(Config.withDefault("Info" as const))
    const format = yield* Config.Literals(["json", "pretty"], "LOG_FORMAT").pipe(
      Config.withDefault(process.stdout.isTTY ? ("pretty" as const) : ("json" as const))
    )
    return Layer.mergeAll(
      Logger.layer([format === "json" ? Logger.consoleJson : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel, level)
    )
  })
)

// A failure is told in the words of its error; only a defect, which is a bug, comes with its stack.
const explain = (cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.void
    : Effect.forEach(cause.reasons, (reason) =>
        reason._tag === "Fail"
          ? Effect.logFatal(reason.error instanceof Error ? reason.error.message : String(reason.error))
          : reason._tag === "Die"
            ? Effect.logFatal(Cause.die(reason.defect))
            : Effect.void
      )
