// carillon erase: a person asked to be forgotten.
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { MessageId } from "#shared/contract/fields/Fields.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { erase, type Report } from "../../services/ledger/erasure/Erase.ts"
import type { Places } from "../../services/ledger/erasure/Search.ts"
import { given, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { addressSaid } from "../input/Recipient.ts"
import { NotFound, ProblemsFound, Refused } from "../output/Exit.ts"
import { json as printJson, table } from "../output/Print.ts"

const flags = {
  message: Flag.String("message").pipe(Flag.withDescription("The id of one message"), Flag.optional),
  recipient: Flag.String("recipient").pipe(
    Flag.withDescription("All messages to this address: a chat id or URL, or - to read it from standard input"),
    Flag.optional
  ),
  again: Flag.Boolean("again").pipe(
    Flag.withDescription("All that was erased before: where NATS was put back from a backup it stands there again"),
    Flag.withDefault(false)
  ),
  dryRun: Flag.Boolean("dry-run").pipe(Flag.withDescription("Only say what there is"), Flag.withDefault(false)),
  wait: Flag.Int("wait").pipe(
    Flag.withDescription("For how many seconds to wait for what is being sent, default 30"),
    Flag.withDefault(30)
  ),
  reason: reasonFlag,
  json: jsonFlag
}

const isMessageId = Schema.is(MessageId)

const total = (places: Places) => Object.values(places).reduce((sum, n) => sum + n, 0)

const told = ({ found, left, removed, searched }: Report) => {
  const places = [...new Set([searched, found, left].flatMap(Object.keys))].sort()
  return table(
    ["where", "found", "removed", "left", "searched"],
    places.map((place) =>
      [place, found[place] ?? 0, removed[place] ?? "-", left[place] ?? 0, searched[place] ?? "all"].map(String)
    )
  )
}

const summary = (report: Report) =>
  `${report.messages} messages: ${report.cancelled} cancelled, ${report.erased} erased now, ${report.underWay.length} not ended` +
  (report.contacts.length === 0
    ? ""
    : `\nthe address is linked by ${report.contacts.join(", ")}: theirs are among them`)

export const eraseCommand = Command.make(
  "erase",
  flags,
  Effect.fnUntraced(function* ({ message, recipient, again, dryRun, wait, reason, json }) {
    if ([Option.isSome(message), Option.isSome(recipient), again].filter((one) => one).length !== 1) {
      return yield* new Refused({ message: "give one of --message, --recipient and --again" })
    }
    const address = Option.isSome(recipient) ? yield* addressSaid(recipient.value) : undefined
    if (Option.exists(message, (id) => !isMessageId(id))) {
      return yield* new Refused({ message: "--message must be an id: 1 to 128 of A-Z a-z 0-9 _ -" })
    }
    const report = yield* erase({
      ...given({ id: message, reason }),
      ...(address === undefined ? {} : { address }),
      ...{ again, dryRun },
      waitMillis: wait * 1_000,
      ledgerWaitMillis: wait * 1_000,
      onProgress: (what) => Console.error(`${what} …`)
    }).pipe(Effect.provide(Postgres.layerWithoutWaiting))
    if (!again && report.messages === 0 && total(report.found) === 0) {
      return yield* new NotFound({ message: "nothing is known of this message or recipient, anywhere" })
    }
    yield* json ? printJson(report) : Console.log(`${told(report)}\n\n${summary(report)}`)
    if (dryRun || (total(report.left) === 0 && report.underWay.length === 0)) return
    return yield* new ProblemsFound({
      message:
        report.underWay.length > 0
          ? `not ended yet, and therefore as they were: ${report.underWay.join(" ")}\nStart this again once they have ended.`
          : `something personal is left in: ${Object.keys(report.left).join(", ")}`
    })
  })
).pipe(
  Command.withDescription("Remove text and address of a message or recipient everywhere; the record of delivery stays"),
  Command.withExamples([
    { command: "carillon erase --message appt-1 --dry-run", description: "What is kept of it, and where" },
    {
      command: "echo 123456789 | carillon erase --recipient - --reason 'asked by letter'",
      description: "The address is in no list of processes. Exit code 4: not all"
    },
    { command: "carillon erase --again", description: "After an older NATS was put back" }
  ])
)
