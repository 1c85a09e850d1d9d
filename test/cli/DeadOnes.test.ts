// What is asked of many dead letters at once: each gets its turn, and who asked is told of which it was refused.
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Option } from "effect"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { forEachOf, meant } from "../../cli/output/DeadOnes.ts"
import { NotFound, Refused, Unanswered } from "../../cli/output/Exit.ts"

type Fate = Refused | NotFound | Unanswered
const ids = ["a", "b", "c", "d"]

/** What was done, what stands on stderr, and how it ended. */
const ran = Effect.fnUntraced(function* (fates: Readonly<Record<string, Fate>>) {
  const done: Array<string> = []
  const said: Array<string> = []
  const console: Console.Console = Object.assign(Object.create(globalThis.console), {
    error: (line: string) => void said.push(line)
  })
  const one = (id: string): Effect.Effect<void, Fate> => {
    const fate = fates[id]
    return fate ? Effect.fail(fate) : Effect.sync(() => void done.push(id))
  }
  const ended = yield* Effect.flip(forEachOf(ids, true, one)).pipe(Effect.provideService(Console.Console, console))
  return { done, said, ended }
})

describe("one thing for many dead letters", () => {
  it.effect("is done to the others when it is refused of one, which is named", () =>
    Effect.gen(function* () {
      const fates = { b: new Refused({ message: "refused:\n  : is sent" }), d: new NotFound({ message: "is unknown" }) }
      const { done, ended, said } = yield* ran(fates)
      assert.deepStrictEqual(done, ["a", "c"])
      assert.deepStrictEqual(said, ["b: refused:\n  : is sent", "d: is unknown"])
      assert.deepStrictEqual(ended, new Refused({ message: "2 of 4 were refused" }))
    })
  )

  it.effect("ends as not answered when one was not, however many were refused", () =>
    Effect.gen(function* () {
      const fates = { a: new Refused({ message: "refused" }), b: new Unanswered({ message: "timeout" }) }
      const { done, ended } = yield* ran(fates)
      assert.deepStrictEqual(done, ["c", "d"])
      assert.deepStrictEqual(ended, new Unanswered({ message: "1 of 4 were refused, 1 not answered" }))
    })
  )

  it.effect("ends for one that is named by its id as that one does", () =>
    Effect.gen(function* () {
      const unknown = new NotFound({ message: "is unknown" })
      assert.strictEqual(yield* Effect.flip(forEachOf(["a"], false, () => unknown)), unknown)
    })
  )
})

describe("one that is named by its id", () => {
  it.effect("is refused beside filters, which it might not fit", () =>
    Effect.gen(function* () {
      const none = {
        platform: Option.none(),
        category: Option.none(),
        reasonCode: Option.none(),
        olderThan: Option.none()
      }
      const store = DeadLetterStore.of({
        find: () => Effect.succeedNone,
        claim: () => Effect.succeedNone,
        remove: () => Effect.void,
        replace: () => Effect.void,
        all: Effect.succeed([])
      })
      const wanted = { ...none, id: Option.some("a"), all: false }
      const asked = (more: object) =>
        Effect.provideService(meant("failed", { ...wanted, ...more }), DeadLetterStore, store)
      assert.deepStrictEqual(yield* asked({}), ["a"])
      const refused = yield* Effect.flip(asked({ olderThan: Option.some(60) }))
      assert.match(refused.message, /--all/)
    })
  )
})
