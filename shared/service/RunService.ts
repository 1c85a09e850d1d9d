// Runs one service as a process: probes, logs, signals, exit codes. Every service's main.ts ends here.
import { flushCompileCache } from "node:module"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Layer, type Scope } from "effect"
import { Telemetry } from "#shared/telemetry/Telemetry.ts"
import { serveHealth } from "./Health.ts"
import { loggerLayer } from "./Logs.ts"
import { Readiness } from "./Readiness.ts"
import { Routes } from "./Routes.ts"
import { secretFiles } from "./SecretFiles.ts"

/** SIGTERM and SIGINT interrupt the program, which finishes what is in flight; that is a success. */
export const runMain = <A, E>(program: Effect.Effect<A, E>) =>
  NodeRuntime.runMain(program.pipe(Effect.tapCause(explain)), {
    disableErrorReporting: true,
    teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })

export const runService = <A, E>(
  name: string,
  httpPort: number,
  program: Effect.Effect<A, E, Readiness | Routes | Scope.Scope>
) =>
  runMain(
    Effect.gen(function* () {
      yield* serveHealth(httpPort)
      yield* Effect.logInfo("starting")
      // Everything is loaded: with NODE_COMPILE_CACHE the next start need not compile it again, however this one ends.
      yield* Effect.sync(flushCompileCache)
      yield* Effect.addFinalizer(() => Effect.logInfo("stopped"))
      return yield* program
    }).pipe(
      Effect.scoped,
      Effect.annotateLogs({ service: name }),
      Effect.provide(Layer.mergeAll(Readiness.layer, Routes.layer, Telemetry.layer(name), loggerLayer)),
      Effect.provide(secretFiles)
    )
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
