// carillon bridge: joins a table of an application to Carillon, takes in its rows, and takes all of it away again.
import { appendFile, rm } from "node:fs/promises"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { bridgeFile, readBridge } from "../../services/table-bridge/BridgeConfig.ts"
import { bridgePostgresWithoutWaiting } from "../../services/table-bridge/database/BridgeDatabase.ts"
import { check, status } from "../../services/table-bridge/Health.ts"
import { migrate, undo } from "../../services/table-bridge/Migration.ts"
import { open, peek } from "../../services/table-bridge/Open.ts"
import { backfill, type Finding } from "../../services/table-bridge/rows/Backfill.ts"
import { given, jsonFlag } from "../input/Flags.ts"
import { NotFound, Refused } from "../output/Exit.ts"
import { tellFindings } from "../output/Findings.ts"
import { json as printJson } from "../output/Print.ts"
import { progressLine } from "../output/Progress.ts"

const shared = {
  config: Flag.String("config").pipe(
    Flag.withDescription("The JSON file that names tables and columns; else TABLE_BRIDGE_CONFIG"),
    Flag.optional
  ),
  json: jsonFlag
}
const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Only say what would be done"),
  Flag.withDefault(false)
)

const bridgeFrom = Effect.fnUntraced(function* (flag: Option.Option<string>) {
  const path = Option.isSome(flag) ? flag : yield* bridgeFile.given
  if (Option.isNone(path))
    return yield* new Refused({ message: "name the bridge's file: --config FILE, or TABLE_BRIDGE_CONFIG" })
  return yield* readBridge(path.value)
})

const sql = (statements: ReadonlyArray<string>) => statements.map((statement) => `${statement.trimEnd()};`).join("\n\n")

const migrateCommand = Command.make(
  "migrate",
  { ...shared, dryRun },
  Effect.fnUntraced(function* ({ config, dryRun, json }) {
    const bridge = yield* bridgeFrom(config)
    const { added, statements } = yield* migrate(bridge, { dryRun })
    if (json) return yield* printJson({ bridge: bridge.name, dryRun, added, ...(dryRun ? { statements } : {}) })
    yield* Console.log(
      dryRun
        ? sql(statements)
        : `${bridge.name}: ${added.length === 0 ? "no column was missing" : `added ${added.join(", ")}`}; triggers and outbox stand`
    )
  })
).pipe(Command.withDescription("Add the outbox, tracking columns and triggers; may be run again at any time"))

const undoCommand = Command.make(
  "undo",
  {
    ...shared,
    dryRun,
    waiting: Flag.Literals("waiting", ["keep", "cancel"]).pipe(
      Flag.withDescription("What becomes of messages that wait: they are sent all the same, or cancelled"),
      Flag.optional
    ),
    purge: Flag.Boolean("purge").pipe(
      Flag.withDescription("Forget also what became of the rows; then never use the bridge's name again"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ config, dryRun, json, waiting, purge }) {
    const bridge = yield* bridgeFrom(config)
    const { live, statements } = yield* undo(bridge, {
      dryRun,
      purge,
      ...given({ waiting })
    })
    if (json) return yield* printJson({ bridge: bridge.name, dryRun, waiting: live, ...(dryRun ? { statements } : {}) })
    const told = Option.isSome(waiting) && waiting.value === "cancel" ? "to be cancelled" : "still to be sent"
    yield* Console.log(
      dryRun ? sql(statements) : `${bridge.name}: undone${live > 0 ? `; ${live} messages ${told}` : ""}`
    )
  })
).pipe(Command.withDescription("Take away what migrate added to the tables"))

const checkCommand = Command.make(
  "check",
  shared,
  Effect.fnUntraced(function* ({ config, json }) {
    const bridge = yield* bridgeFrom(config)
    yield* tellFindings(yield* check(bridge), json)
  })
).pipe(Command.withDescription("Check configuration, tables, triggers and rights; exit code 4 if something is wrong"))

const statusCommand = Command.make(
  "status",
  shared,
  Effect.fnUntraced(function* ({ config, json }) {
    const bridge = yield* bridgeFrom(config)
    const found = yield* status(bridge)
    if (found === undefined) return yield* new NotFound({ message: `${bridge.name} is not in this database yet` })
    if (json) return yield* printJson(found)
    const rows = Object.entries(found.rows).map(([status, n]) => `${n.toLocaleString("en")} ${status}`)
    yield* Console.log(
      [
        `rows: ${rows.join(", ") || "none"}`,
        `changes to look at: ${found.changesWaiting}`,
        `outbox: ${found.commandsWaiting}${found.commandsWaiting > 0 ? `, the oldest for ${found.oldestCommandSeconds} s` : ""}`,
        `events to read: ${found.eventsBehind ?? "not known"}`,
        `backfill: ${typeof found.backfill === "string" ? found.backfill : `interrupted after row ${found.backfill.after}`}`
      ].join("\n")
    )
  })
).pipe(Command.withDescription("What became of the rows, and what waits"))

const backfillCommand = Command.make(
  "backfill",
  {
    ...shared,
    dryRun,
    fromStart: Flag.Boolean("from-start").pipe(
      Flag.withDescription("Begin anew where an earlier one was interrupted"),
      Flag.withDefault(false)
    ),
    batchSize: Flag.Int("batch").pipe(Flag.withDescription("Rows in one transaction"), Flag.withDefault(1_000))
  },
  Effect.fnUntraced(function* ({ config, dryRun, fromStart, batchSize, json }) {
    const bridge = yield* bridgeFrom(config)
    const report = `backfill-${bridge.name}.problems.ndjson`
    const progress = progressLine("rows")
    let found = 0
    yield* Effect.promise(() => rm(report, { force: true }))
    const note = (findings: ReadonlyArray<Finding>) => {
      found += findings.length
      return findings.length === 0
        ? Effect.void
        : Effect.promise(() => appendFile(report, findings.map((one) => `${JSON.stringify(one)}\n`).join("")))
    }
    const counts = yield* Effect.flatMap(dryRun ? peek(bridge) : open(bridge), (opened) =>
      backfill(opened, {
        dryRun,
        fromStart,
        batchSize,
        onProgress: ({ counts, findings, total }) =>
          Effect.andThen(
            note(findings),
            Effect.sync(() => progress.show(counts.read, total))
          )
      })
    ).pipe(Effect.ensuring(Effect.sync(progress.end)))
    if (json) return yield* printJson({ bridge: bridge.name, dryRun, ...counts, ...(found > 0 ? { report } : {}) })
    const lines = [
      `${counts.read} rows read${dryRun ? "; nothing was done" : ""}`,
      `${counts.scheduled} ${dryRun ? "would be scheduled" : "scheduled"}`,
      `${counts.waiting} wait until they are soon due`,
      `${counts.past} past, left alone`,
      `${counts.inactive} cancelled or not wanted`,
      `${counts.noContact} without contact`,
      `${counts.invalid} invalid`,
      `${counts.known} known before`
    ]
    yield* Console.log(lines.join("\n"))
    if (found > 0) yield* Console.log(`which rows cannot be sent, and why: ${report}`)
  })
).pipe(Command.withDescription("Take in the rows that are there; an interrupted one goes on where it was"))

export const bridgeCommand = Command.make("bridge").pipe(
  Command.withDescription("Join a table of your application: docs/existing-table.md"),
  Command.withSubcommands([migrateCommand, undoCommand, checkCommand, backfillCommand, statusCommand]),
  Command.provide(bridgePostgresWithoutWaiting)
)
