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
const ending = (exit: Exit.Exit<unknown, unknown>, [command]: ReadonlyArray<string>) => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return command === "watch" ? 0 : exitCodes.brokenOff
  return codeOf(Cause.squash(exit.cause))
}

export const main = () => {
  const given = withNegativeValues(process.argv.slice(2))
  Command.runWith(carillon, { version })(given).pipe(
    Effect.tapCause(explain),
    Effect.provide(Layer.mergeAll(NodeServices.layer, Logger.layer([]), secretFiles)),
    NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, done) => done(ending(exit, given)) })
  )
}

if (import.meta.main) main()
