// Runs the command line `carillon`, and says how it ended.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger } from "effect"
import { CliError, Command } from "effect/cli"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { version } from "#shared/service/Version.ts"
import { carillon } from "./Carillon.ts"
import { withNegativeValues } from "./input/Arguments.ts"
import { exitCodes } from "./output/Exit.ts"

/** One line for people, on stderr; the code for scripts. */
const codeOf = (error: unknown): number =>
  CliError.isCliError(error)
    ? exitCodes.refused
    : ((error as { readonly exitCode?: number }).exitCode ?? exitCodes.unexpected)

const explain = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  if (Cause.hasInterruptsOnly(cause) || CliError.isCliError(error)) return Effect.void
  return Console.error(error instanceof Error ? error.message : String(error))
}

/** Whoever goes on to the next command must know that this one was broken off; that `watch` is, is how it ends. */
export const exitCode = (exit: Exit.Exit<unknown, unknown>, [command]: ReadonlyArray<string>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return command === "watch" ? 0 : exitCodes.brokenOff
  return codeOf(Cause.squash(exit.cause))
}

/** All of a command but its process. */
export const run = (args: ReadonlyArray<string>) =>
  Command.runWith(carillon, { version })(withNegativeValues(args)).pipe(
    Effect.tapCause(explain),
    Effect.provide(Layer.mergeAll(NodeServices.layer, Logger.layer([]), secretFiles))
  )

export const main = () => {
  const args = process.argv.slice(2)
  run(args).pipe(
    NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, done) => done(exitCode(exit, args)) })
  )
}

if (import.meta.main) main()
