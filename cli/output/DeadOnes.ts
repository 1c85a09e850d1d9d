// Which dead letters a command is about: one, or all that fit; and one thing done to each of them.
import { Console, Effect, Option, Result } from "effect"
import { Argument, Flag } from "effect/cli"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { ErrorCategory, platforms } from "#shared/contract/fields/Fields.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { given, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { Refused, Unanswered } from "./Exit.ts"

export const filters = {
  platform: Flag.Literals("platform", platforms).pipe(Flag.withDescription("Only of this one"), Flag.optional),
  category: Flag.Literals("category", ErrorCategory.literals).pipe(Flag.withDescription("Only these"), Flag.optional),
  reasonCode: Flag.String("code").pipe(Flag.withDescription("Only with this reason, as in `dead list`"), Flag.optional),
  olderThan: Flag.Int("older-than").pipe(
    Flag.withDescription("Only given up more than so many seconds ago"),
    Flag.optional
  )
}
type Filters = {
  readonly platform: Option.Option<string>
  readonly category: Option.Option<string>
  readonly reasonCode: Option.Option<string>
  readonly olderThan: Option.Option<number>
}

const fits = <A>(wanted: Option.Option<A>, found: A) => Option.isNone(wanted) || wanted.value === found

export const letters = Effect.fnUntraced(function* (state: DeadLetter["state"] | undefined, filters: Filters) {
  const { all } = yield* DeadLetterStore
  const now = Date.now()
  return (yield* all)
    .map(({ letter }) => letter)
    .filter(
      (letter) =>
        (state === undefined || letter.state === state) &&
        fits(filters.platform, letter.message.platform as string) &&
        fits(filters.category, letter.category as string) &&
        fits(filters.reasonCode, letter.reason) &&
        (Option.isNone(filters.olderThan) || now - Date.parse(letter.at) > filters.olderThan.value * 1_000)
    )
})

export const idOrAll = {
  id: Argument.String("id").pipe(Argument.withDescription("The message's id"), Argument.optional),
  all: Flag.Boolean("all").pipe(Flag.withDescription("Every one that fits the filters"), Flag.withDefault(false)),
  ...filters,
  reason: reasonFlag,
  json: jsonFlag
}

/** One by its id, or all that fit; never all by mistake. */
export const meant = Effect.fnUntraced(function* (
  state: DeadLetter["state"] | undefined,
  { id, all, ...wanted }: Filters & { readonly id: Option.Option<string>; readonly all: boolean }
) {
  if (Option.isSome(id) === all) return yield* new Refused({ message: "name one id, or give --all" })
  if (Option.isSome(id) && Object.keys(given({ ...wanted })).length > 0)
    return yield* new Refused({ message: "filters go with --all: an id names the one that is meant" })
  return Option.isSome(id) ? [id.value] : (yield* letters(state, wanted)).map(({ message }) => message.id)
})

/** Of many, what is refused of one keeps nobody from the rest; each such one is named, and how many they were in the end. */
export const forEachOf = Effect.fnUntraced(function* <E extends { readonly message: string }, R>(
  ids: ReadonlyArray<string>,
  all: boolean,
  one: (id: string, index: number) => Effect.Effect<void, E, R>
) {
  if (!all) return yield* Effect.forEach(ids, one, { discard: true })
  let [refused, unanswered] = [0, 0]
  for (const [index, id] of ids.entries()) {
    const outcome = yield* Effect.result(one(id, index))
    if (Result.isSuccess(outcome)) continue
    if (outcome.failure instanceof Unanswered) unanswered++
    else refused++
    yield* Console.error(`${id}: ${outcome.failure.message}`)
  }
  if (unanswered > 0) {
    return yield* new Unanswered({ message: `${refused} of ${ids.length} were refused, ${unanswered} not answered` })
  }
  if (refused > 0) return yield* new Refused({ message: `${refused} of ${ids.length} were refused` })
})
