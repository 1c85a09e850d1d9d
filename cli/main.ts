// Runs the command line `carillon`, and says how it ended.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger } from "effect"
import { CliError, Command } from "effect/cli"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { version } from "#shared/service/Version.ts"
import { withNegativeValues } from "./Arguments.ts"
import { carillon } from "./Carillon.ts"
import { exitCodes } from "./Exit.ts"

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

const run = NodeRuntime.runMain({
  disableErrorReporting: true,
  teardown: (exit, done) =>
    done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : codeOf(Cause.squash(exit.cause)))
})

export const main = () =>
  Command.runWith(carillon, { version })(withNegativeValues(process.argv.slice(2))).pipe(
    Effect.tapCause(explain),
    Effect.provide(Layer.mergeAll(NodeServices.layer, Logger.layer([]), secretFiles)),
    run
  )

if (import.meta.main) main()
