// carillon ledger rebuild: makes the projection anew from the event log, while the old one stays readable.
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { rebuild } from "../../services/ledger/Rebuild.ts"
import { jsonFlag } from "../Flags.ts"
import { json as printJson } from "../Print.ts"
import { progressLine } from "../Progress.ts"

const rebuildCommand = Command.make(
  "rebuild",
  { json: jsonFlag },
  Effect.fnUntraced(function* ({ json }) {
    const progress = progressLine("events")
    const { position, unusable, waiting } = yield* rebuild({
      onProgress: ({ position, last }) => Effect.sync(() => progress.show(position, last))
    }).pipe(Effect.provide(Postgres.layerWithoutWaiting), Effect.ensuring(Effect.sync(progress.end)))
    if (json) return yield* printJson({ position, unusable, waiting })
    const notes = [
      ...(unusable > 0 ? [`${unusable} events could not be read`] : []),
      ...(waiting > 0 ? [`${waiting} messages are known by their timers only`] : [])
    ]
    yield* Console.log([`rebuilt up to event ${position}`, ...notes].join("; "))
  })
).pipe(Command.withDescription("Replay the event log into fresh tables and swap them in"))

export const ledgerCommand = Command.make("ledger").pipe(
  Command.withDescription("Work on the ledger's tables"),
  Command.withSubcommands([rebuildCommand])
)
