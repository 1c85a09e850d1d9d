// Runs one service as a process: probes, logs, signals, exit codes. Every service's main.ts ends here.
import "./HeapGrowth.ts"
import { flushCompileCache } from "node:module"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Layer, Schema, type Scope } from "effect"
import { Telemetry } from "#shared/telemetry/Telemetry.ts"
import { tellOfUnsent } from "#shared/telemetry/Unsent.ts"
import { checkSettings } from "./CheckSettings.ts"
import { serveHealth } from "./Health.ts"
import { loggerLayer } from "./Logs.ts"
import { warnOfMisspelt } from "./Misspelt.ts"
import { Readiness } from "./Readiness.ts"
import { Routes } from "./Routes.ts"
import { secretFiles } from "./SecretFiles.ts"
import { type ServiceName, servicePorts } from "./Services.ts"
import { environment, setting } from "./Settings.ts"

environment("NODE_EXTRA_CA_CERTS", {
  says: "A file with the certificates of further authorities to trust: a clinic's own, for webhooks, files and telemetry",
  takes: "a path"
})
environment("NODE_OPTIONS", {
  says: "Options of Node itself, as its documentation has them: `--max-old-space-size-percentage=75` bounds its memory"
})
environment("NODE_COMPILE_CACHE", {
  says: "A folder for what Node has compiled: halves the time that a start takes",
  takes: "a path"
})

/** Of requests it would print the whole address: that of the Bot API holds the token, that of a webhook may name a patient. */
const nodeDebug = setting("NODE_DEBUG", Schema.String.check(Schema.isPattern(/^(?!.*(undici|fetch|http|\*))/i)), {
  says: "What Node tells of its own work on stderr. Refused where it would print addresses and tokens: `undici`, `fetch`, `http`, `*`",
  takes: "names of Node's modules",
  otherwise: "nothing"
})

/** SIGTERM and SIGINT interrupt the program, which finishes what is in flight; that is a success. */
export const runMain = <A, E>(program: Effect.Effect<A, E>) => run(program.pipe(Effect.tapCause(explain)))

const run = <A, E>(program: Effect.Effect<A, E>) =>
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit, done) => done(exitCode(exit))
  })

type Program<A, E> = Effect.Effect<A, E, Readiness | Routes | Scope.Scope>

/** With all that a service has around it. */
export const asService = <A, E>(name: ServiceName, program: Program<A, E>) =>
  Effect.gen(function* () {
    yield* nodeDebug.given
    yield* tellOfUnsent
    yield* serveHealth(servicePorts[name])
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

/** All of a service but its process. Whatever ends it is told as its other lines are, also where that is one of its settings. */
export const service = <A, E>(name: ServiceName, program: Program<A, E>) =>
  asService(name, Effect.andThen(Effect.andThen(warnOfMisspelt, checkSettings), program)).pipe(
    Effect.tapCause((cause) =>
      explain(cause).pipe(
        Effect.annotateLogs({ service: name }),
        Effect.provide(Layer.catchCause(loggerLayer, () => Layer.empty))
      )
    )
  )

export const runService = <A, E>(name: ServiceName, program: Program<A, E>) => run(service(name, program))

/** That it was told to end is no failure. */
export const exitCode = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1

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
