// carillon dead and carillon resolve: what was given up, or may or may not have arrived, and what to do with it.
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { ResolvedAs } from "#shared/contract/fields/Fields.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { given, idArgument, jsonFlag } from "../input/Flags.ts"
import { filters, forEachOf, idOrAll, letters, meant } from "../output/DeadOnes.ts"
import { NotFound, Refused } from "../output/Exit.ts"
import { json as printJson, span, table } from "../output/Print.ts"
import { submit } from "../Submit.ts"

/** Without content and address: those are shown only when asked for. */
const told = ({ message, ...letter }: DeadLetter) => {
  const { recipient: _, content: __, fallback: ___, ...rest } = message
  return { ...letter, message: rest }
}

const list = Command.make(
  "list",
  { ...filters, json: jsonFlag },
  Effect.fnUntraced(function* ({ json, ...wanted }) {
    const found = yield* letters(undefined, wanted)
    if (json) return yield* Effect.forEach(found, (letter) => printJson(told(letter)), { discard: true })
    if (found.length === 0) return yield* Console.log("none")
    const now = Date.now()
    yield* Console.log(
      table(
        ["id", "platform", "sender", "state", "since", "attempts", "error"],
        found.map(({ attempt, at, category, message, reason, state }) => [
          message.id,
          message.platform,
          message.sender,
          state,
          span(now - Date.parse(at)),
          String(attempt),
          `${category}: ${reason}`
        ])
      )
    )
  })
).pipe(Command.withDescription("List dead letters and messages of unknown outcome, oldest first"))

const contentFlag = Flag.Boolean("content").pipe(
  Flag.withDescription("Also address and text: personal data"),
  Flag.withDefault(false)
)

const show = Command.make(
  "show",
  { id: idArgument, content: contentFlag },
  Effect.fnUntraced(function* ({ content, id }) {
    const { find } = yield* DeadLetterStore
    const found = yield* find(id)
    if (Option.isNone(found)) return yield* new NotFound({ message: `${id}: there is no dead letter with this id` })
    yield* Console.log(JSON.stringify(content ? found.value.letter : told(found.value.letter), null, 2))
  })
).pipe(Command.withDescription("Show one"))

const redrive = Command.make(
  "redrive",
  {
    ...idOrAll,
    rate: Flag.Finite("rate").pipe(Flag.withDescription("So many a second, when all are meant"), Flag.withDefault(5))
  },
  Effect.fnUntraced(function* ({ rate, reason, json, ...which }) {
    if (!(rate > 0)) return yield* new Refused({ message: "--rate must be more than 0" })
    const ids = yield* meant("failed", which)
    const start = Date.now()
    yield* forEachOf(ids, which.all, (id, index) => {
      const dueAt = new Date(start + (index / rate) * 1_000).toISOString()
      return submit("redrive", { id, ...(index === 0 ? {} : { dueAt }), ...given({ reason }) }, json, (reply) =>
        reply.status === "redriven" ? `${id}: will be sent at ${reply.dueAt}` : reply.status
      )
    })
    if (!json && which.all) yield* Console.log(`${ids.length} redriven`)
  })
).pipe(
  Command.withDescription("Send dead letters after all, with fresh attempts and the deadline counted anew"),
  Command.withExamples([
    { command: "carillon dead redrive appt-1", description: "One, now" },
    { command: "carillon dead redrive --all --category transient --rate 2", description: "Many, two a second" }
  ])
)

const drop = Command.make(
  "drop",
  idOrAll,
  Effect.fnUntraced(function* ({ reason, json, ...which }) {
    const ids = yield* meant("failed", which)
    yield* forEachOf(ids, which.all, (id) =>
      submit("discard", { id, ...given({ reason }) }, json, () => `${id}: dropped`)
    )
  })
).pipe(Command.withDescription("Forget dead letters; their record of delivery stays"))

export const deadCommand = Command.make("dead").pipe(
  Command.withDescription("What was given up, and what to do with it"),
  Command.withSubcommands([list, show, redrive, drop])
)

export const resolveCommand = Command.make(
  "resolve",
  {
    ...idOrAll,
    as: Flag.Literals("as", ResolvedAs.literals).pipe(
      Flag.withDescription("sent: it arrived; failed: it did not, keep it as a dead letter; resend: send it again")
    )
  },
  Effect.fnUntraced(function* ({ as, reason, json, ...which }) {
    const ids = yield* meant("unknown", which)
    yield* forEachOf(ids, which.all, (id) =>
      submit(
        "resolve",
        { id, as, ...given({ reason }) },
        json,
        () => `${id}: ${as === "resend" ? "will be sent again" : as}`
      )
    )
  })
).pipe(
  Command.withDescription("Decide messages whose outcome nobody knows"),
  Command.withExamples([
    { command: "carillon resolve appt-1 --as sent", description: "The patient says that it arrived" },
    { command: "carillon resolve --all --older-than 86400 --as failed", description: "A rule, run by cron" }
  ])
)
