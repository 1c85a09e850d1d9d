// The command line `carillon`: its commands and their layers.
import { Layer } from "effect"
import { Command } from "effect/cli"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { Reader } from "../services/ledger/Reader.ts"
import { bridgeCommand } from "./commands/Bridge.ts"
import { cancelCommand, rescheduleCommand } from "./commands/Change.ts"
import { deadCommand, resolveCommand } from "./commands/Dead.ts"
import { doctorCommand } from "./commands/Doctor.ts"
import { eraseCommand } from "./commands/Erase.ts"
import { filesCommand } from "./commands/Files.ts"
import { importCommand } from "./commands/Import.ts"
import { ledgerCommand } from "./commands/Ledger.ts"
import { linkCommand } from "./commands/Link.ts"
import { listCommand } from "./commands/List.ts"
import { natsCommand } from "./commands/Nats.ts"
import { dropCommand, pauseCommand, resumeCommand } from "./commands/Operate.ts"
import { quarantineCommand } from "./commands/Quarantine.ts"
import { queuesCommand } from "./commands/Queues.ts"
import { rearmCommand } from "./commands/Rearm.ts"
import { rehearseCommand } from "./commands/Rehearse.ts"
import { scheduleCommand } from "./commands/Schedule.ts"
import { seriesCommand } from "./commands/Series.ts"
import { showCommand } from "./commands/Show.ts"
import { statsCommand } from "./commands/Stats.ts"
import { watchCommand } from "./commands/Watch.ts"
import { serversLayer } from "./Servers.ts"

const withFiles = Layer.provideMerge(Files.layer, serversLayer)
const deadLetters = Layer.provideMerge(DeadLetterStore.layer, serversLayer)

export const carillon = Command.make("carillon").pipe(
  Command.withDescription(
    "Schedules messages to people, and tells what became of them. Exit codes: 0 done, 1 out of reach or unexpected, 2 refused, 3 not found, 4 doctor found problems, a rehearsal did not end in time, or erase left something."
  ),
  Command.withSubcommands([
    scheduleCommand.pipe(Command.provide(withFiles)),
    cancelCommand.pipe(Command.provide(serversLayer)),
    rescheduleCommand.pipe(Command.provide(serversLayer)),
    showCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    listCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    statsCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    watchCommand.pipe(Command.provide(serversLayer)),
    importCommand,
    filesCommand.pipe(Command.provide(withFiles)),
    pauseCommand.pipe(Command.provide(serversLayer)),
    resumeCommand.pipe(Command.provide(serversLayer)),
    dropCommand.pipe(Command.provide(serversLayer)),
    deadCommand.pipe(Command.provide(deadLetters)),
    resolveCommand.pipe(Command.provide(deadLetters)),
    quarantineCommand.pipe(Command.provide(serversLayer)),
    rearmCommand.pipe(Command.provide(serversLayer)),
    linkCommand.pipe(Command.provide(serversLayer)),
    seriesCommand.pipe(Command.provide(Layer.provideMerge(SeriesStore.layer, withFiles))),
    queuesCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    doctorCommand,
    rehearseCommand.pipe(Command.provide(Layer.provideMerge(Reader.layer, serversLayer))),
    eraseCommand.pipe(Command.provide(serversLayer)),
    ledgerCommand,
    bridgeCommand.pipe(Command.provide(serversLayer)),
    natsCommand
  ])
)
