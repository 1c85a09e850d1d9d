// carillon quarantine: what no service could process, and what to do with it.
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { allAside, canBePutBack, dropAside, findAside, putBack } from "#shared/nats/stores/Quarantine.ts"
import { jsonFlag } from "../input/Flags.ts"
import { forEachOf } from "../output/DeadOnes.ts"
import { NotFound, Refused } from "../output/Exit.ts"
import { dash, json as printJson, size, span, table } from "../output/Print.ts"

const numberArgument = Argument.Int("number").pipe(Argument.withDescription("As `quarantine list` shows it"))

const found = Effect.fnUntraced(function* (number: number) {
  const one = yield* findAside(number)
  return Option.isSome(one) ? one.value : yield* new NotFound({ message: `${number}: is not in quarantine` })
})

const list = Command.make(
  "list",
  {
    limit: Flag.Int("limit").pipe(Flag.withDescription("At most so many, the oldest"), Flag.withDefault(100)),
    json: jsonFlag
  },
  Effect.fnUntraced(function* ({ json, limit }) {
    const all = yield* allAside(limit)
    if (json) return yield* Effect.forEach(all, printJson, { discard: true })
    if (all.length === 0) return yield* Console.log("none")
    const now = Date.now()
    yield* Console.log(
      table(
        ["number", "since", "of", "reason", "came to", "message", "size"],
        all.map(({ bytes, consumer, id, number, reason, storedAt, subject }) => [
          ...[String(number), span(now - storedAt), consumer, reason, subject, dash(id), size(bytes)]
        ])
      )
    )
  })
).pipe(Command.withDescription("List what no service could process, oldest first; without what it says"))

const show = Command.make(
  "show",
  {
    number: numberArgument,
    content: Flag.Boolean("content").pipe(
      Flag.withDescription("Also what it says: personal data"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ content, number }) {
    const { stored: _, text, ...told } = yield* found(number)
    yield* Console.log(JSON.stringify(content ? { ...told, payload: text } : told, null, 2))
  })
).pipe(Command.withDescription("Show one"))

const oneOrAll = {
  number: Argument.optional(numberArgument),
  all: Flag.Boolean("all").pipe(Flag.withDescription("Every one that fits"), Flag.withDefault(false)),
  consumer: Flag.String("of").pipe(Flag.withDescription("With --all, only of this consumer"), Flag.optional)
}

/** One by its number, or all that fit; never all by mistake. */
const meant = Effect.fnUntraced(function* ({
  all,
  consumer,
  number
}: {
  readonly all: boolean
  readonly consumer: Option.Option<string>
  readonly number: Option.Option<number>
}) {
  if (Option.isSome(number) === all) return yield* new Refused({ message: "name one number, or give --all" })
  if (Option.isSome(number) && Option.isSome(consumer))
    return yield* new Refused({ message: "--of goes with --all: a number names the one that is meant" })
  const fits = (one: { readonly consumer: string }) => Option.isNone(consumer) || one.consumer === consumer.value
  return Option.isSome(number) ? [number.value] : (yield* allAside()).filter(fits).map(({ number }) => number)
})

type Found = Effect.Success<ReturnType<typeof found>>

const eachOf = <E extends { readonly message: string }, R>(
  act: (one: Found, all: boolean) => Effect.Effect<void, E, R>
) =>
  Effect.fnUntraced(function* (which: Parameters<typeof meant>[0]) {
    const numbers = yield* meant(which)
    yield* forEachOf(numbers.map(String), which.all, (number) =>
      Effect.flatMap(found(Number(number)), (one) => act(one, which.all))
    )
  })

const redrive = Command.make(
  "redrive",
  oneOrAll,
  eachOf(
    Effect.fnUntraced(function* (one, all) {
      if (!canBePutBack(one)) {
        const message =
          "is in the event log still: `carillon ledger rebuild` with a version that can read it, then drop it"
        return yield* new Refused({ message: all ? message : `${one.number}: ${message}` })
      }
      yield* putBack(one)
      yield* Console.log(`${one.number}: is where it came from, ${one.subject}`)
    })
  )
).pipe(
  Command.withDescription("Put back where it came from, for a version that can process it"),
  Command.withExamples([
    { command: "carillon quarantine redrive 17", description: "One, by its number in the list" },
    {
      command: "carillon quarantine redrive --all --of dispatcher",
      description: "All that the dispatcher could not do"
    }
  ])
)

const drop = Command.make(
  "drop",
  oneOrAll,
  eachOf(({ number }) => Effect.andThen(dropAside(number), Console.log(`${number}: dropped`)))
).pipe(Command.withDescription("Delete for good"))

export const quarantineCommand = Command.make("quarantine").pipe(
  Command.withDescription("What no service could process, and what to do with it"),
  Command.withSubcommands([list, show, redrive, drop])
)
