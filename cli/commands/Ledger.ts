// carillon ledger: rebuild makes the projection anew from the event log, while the old one stays readable; migrate makes
// and upgrades the tables, so that the ledger's own user needs no right to.
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { migrate, versions } from "../../services/ledger/Migrations.ts"
import { grantRoles } from "../../services/ledger/Roles.ts"
import { rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { jsonFlag } from "../input/Flags.ts"
import { json as printJson, telling } from "../output/Print.ts"
import { progressLine } from "../output/Progress.ts"
import { serversLayer, settings } from "../Servers.ts"

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
).pipe(
  Command.withDescription("Replay the event log into fresh tables and swap them in"),
  Command.provide(serversLayer)
)

const migrateCommand = Command.make(
  "migrate",
  { json: jsonFlag },
  Effect.fnUntraced(function* ({ json }) {
    const applied = yield* migrate("carillon")
    yield* grantRoles
    const { found } = yield* versions
    if (json) return yield* printJson({ applied, version: found })
    yield* Console.log(`the tables are of version ${found}; ${applied} migrations applied`)
  }, Effect.provide(Postgres.layerWithoutWaiting))
).pipe(
  Command.withDescription("Make and upgrade the tables, as their owner, for a ledger with TABLES_MANAGE=none"),
  Command.provide(settings),
  Command.provide(telling)
)

export const ledgerCommand = Command.make("ledger").pipe(
  Command.withDescription("Work on the ledger's tables"),
  Command.withSubcommands([migrateCommand, rebuildCommand])
)
