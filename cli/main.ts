// The command line `carillon`: its commands, their layers, and how it ends.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Logger } from "effect"
import { CliError, Command } from "effect/cli"
import { DeadLetterStore } from "#shared/nats/DeadLetterStore.ts"
import { Files } from "#shared/nats/Files.ts"
import { SeriesStore } from "#shared/nats/SeriesStore.ts"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { version } from "#shared/service/Version.ts"
import { Reader } from "../services/ledger/Reader.ts"
import { withNegativeValues } from "./Arguments.ts"
import { bridgeCommand } from "./commands/Bridge.ts"
import { cancelCommand, rescheduleCommand } from "./commands/Change.ts"
import { deadCommand, resolveCommand } from "./commands/Dead.ts"
import { doctorCommand } from "./commands/Doctor.ts"
import { eraseCommand } from "./commands/Erase.ts"
import { filesCommand } from "./commands/Files.ts"
import { importCommand } from "./commands/Import.ts"
import { ledgerCommand } from "./commands/LedgerRebuild.ts"
import { linkCommand } from "./commands/Link.ts"
import { listCommand } from "./commands/List.ts"
import { natsCommand } from "./commands/Nats.ts"
import { dropCommand, pauseCommand, resumeCommand } from "./commands/Operate.ts"
import { queuesCommand } from "./commands/Queues.ts"
import { rearmCommand } from "./commands/Rearm.ts"
import { scheduleCommand } from "./commands/Schedule.ts"
import { seriesCommand } from "./commands/Series.ts"
import { showCommand } from "./commands/Show.ts"
import { statsCommand } from "./commands/Stats.ts"
import { watchCommand } from "./commands/Watch.ts"
import { exitCodes } from "./Exit.ts"
import { serversLayer } from "./Servers.ts"

const withFiles = Layer.provideMerge(Files.layer, serversLayer)
const deadLetters = Layer.provideMerge(DeadLetterStore.layer, serversLayer)

const carillon = Command.make("carillon").pipe(
  Command.withDescription(
    "Schedules messages to people, and tells what became of them. Exit codes: 0 done, 1 out of reach or unexpected, 2 refused, 3 not found, 4 doctor found problems, or erase left something."
  ),
  Command.withSubcommands([
    scheduleCommand.pipe(Command.provide(withFiles)),
    cancelCommand.pipe(Command.provide(serversLayer)),
    rescheduleCommand.pipe(Command.provide(serversLayer)),
    showCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    listCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    statsCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    watchCommand.pipe(Command.provide(serversLayer)),
    importCommand.pipe(Command.provide(serversLayer)),
    filesCommand.pipe(Command.provide(withFiles)),
    pauseCommand.pipe(Command.provide(serversLayer)),
    resumeCommand.pipe(Command.provide(serversLayer)),
    dropCommand.pipe(Command.provide(serversLayer)),
    deadCommand.pipe(Command.provide(deadLetters)),
    resolveCommand.pipe(Command.provide(deadLetters)),
    rearmCommand.pipe(Command.provide(serversLayer)),
    linkCommand.pipe(Command.provide(serversLayer)),
    seriesCommand.pipe(Command.provide(Layer.provideMerge(SeriesStore.layer, withFiles))),
    queuesCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    doctorCommand,
    eraseCommand.pipe(Command.provide(serversLayer)),
    ledgerCommand.pipe(Command.provide(serversLayer)),
    bridgeCommand.pipe(Command.provide(serversLayer)),
    natsCommand
  ])
)

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

NodeRuntime.runMain(
  Command.runWith(carillon, { version })(withNegativeValues(process.argv.slice(2))).pipe(
    Effect.tapCause(explain),
    Effect.provide(Layer.mergeAll(NodeServices.layer, Logger.layer([]), secretFiles))
  ),
  {
    disableErrorReporting: true,
    teardown: (exit, done) =>
      done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : codeOf(Cause.squash(exit.cause)))
  }
)
