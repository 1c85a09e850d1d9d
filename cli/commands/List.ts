// carillon list: messages by status, platform and time.
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { statuses } from "../../services/ledger/projection/Rows.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { given, jsonFlag } from "../input/Flags.ts"
import { parseMoment } from "../input/When.ts"
import { dash, offset, json as printJson, table } from "../output/Print.ts"

const flags = {
  status: Flag.Literals("status", statuses).pipe(Flag.withDescription("Only these"), Flag.optional),
  platform: Flag.String("platform").pipe(Flag.withDescription("Only on this platform"), Flag.optional),
  series: Flag.String("series").pipe(Flag.withDescription("Only occurrences of this series"), Flag.optional),
  from: Flag.String("from").pipe(Flag.withDescription("Due from this instant on, or -1h, +2h from now"), Flag.optional),
  to: Flag.String("to").pipe(Flag.withDescription("Due before this instant, or -1h, +2h from now"), Flag.optional),
  limit: Flag.Int("limit").pipe(Flag.withDescription("At most so many, default 50"), Flag.withDefault(50)),
  json: jsonFlag
}

const moment = (flag: string, said: Option.Option<string>) =>
  Option.isSome(said) ? Effect.asSome(parseMoment(flag, said.value)) : Effect.succeedNone

export const listCommand = Command.make(
  "list",
  flags,
  Effect.fnUntraced(function* ({ status, platform, series, from, to, limit, json }) {
    const reader = yield* Reader
    const dueFrom = yield* moment("from", from)
    const dueTo = yield* moment("to", to)
    const rows = yield* reader.list({ limit, ...given({ status, platform, series, dueFrom, dueTo }) })
    if (json) return yield* Effect.forEach(rows, printJson, { discard: true })
    if (rows.length === 0) return yield* Console.log("none")
    yield* Console.log(
      table(
        ["id", "platform", "status", "due", "late", "attempts", "error"],
        rows.map((row) => [
          row.id,
          dash(row.platform),
          row.status,
          dash(row.dueAt),
          row.dueAt && row.sentAt ? offset(row.dueAt, row.sentAt) : "-",
          String(row.attempts),
          row.errorCategory ? `${row.errorCategory}: ${dash(row.errorDetail)}` : "-"
        ])
      )
    )
    if (rows.length === limit) yield* Console.error(`(the first ${limit}: --limit, --from and --to show others)`)
  })
).pipe(
  Command.withDescription("List messages by the time they are due; --json prints one a line"),
  Command.withExamples([
    { command: "carillon list --status failed --from -1d", description: "What failed since yesterday" }
  ])
)
