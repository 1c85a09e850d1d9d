// What is read by the short way is what the schema reads, of everything that may stand in the log.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import fc from "fast-check"
import { decodeWith } from "#shared/actor/Decode.ts"
import { commands } from "#shared/contract/Commands.ts"
import { Attempt, Event } from "#shared/contract/Events.ts"
import { exactly } from "#shared/contract/fields/Exact.ts"
import { anyLog } from "../ledger/Histories.ts"
import { small, validCommands } from "./Corpus.ts"

const bySchema = Schema.decodeUnknownResult(Schema.fromJsonString(Event))
const isExact = exactly(Event)

/** Both read it the same, or neither does. */
const agree = (text: string) => {
  const [wanted, got] = [bySchema(text), decodeWith(Event)(text)]
  assert.strictEqual(Result.isSuccess(got), Result.isSuccess(wanted), text)
  if (Result.isSuccess(wanted)) assert.deepStrictEqual(Result.getOrThrow(got), wanted.success)
}

/** Every place of a value, deepest last. */
const pathsOf = (value: unknown): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null
    ? [[], ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]))]
    : [[]]

const changedAt = (
  value: unknown,
  [key, ...path]: ReadonlyArray<string>,
  change: (value: unknown) => unknown
): unknown => {
  if (key === undefined) return change(value)
  const inner = changedAt((value as Record<string, unknown>)[key], path, change)
  if (Array.isArray(value)) return value.with(Number(key), inner)
  const { [key]: _, ...others } = value as Record<string, unknown>
  return inner === undefined ? others : { ...others, [key]: inner }
}

const spoilt: ReadonlyArray<unknown> = [
  undefined,
  null,
  0,
  1.5,
  -1,
  "",
  " ",
  "x y",
  "\u0000",
  "\ud800",
  "text",
  "2026-12-01T09:00:00Z",
  "x".repeat(40_000),
  true,
  [],
  {},
  { chatId: "1", url: "https://example.org" },
  { type: "location", latitude: 91, longitude: 0 },
  { __proto__: null, toString: "x" }
]
const withForeign = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, foreign: 1 } : value

describe("the short way of reading", () => {
  it.prop("takes every event of the contract", [Event], ([event]) => {
    const text = JSON.stringify(event)
    assert.isTrue(isExact(JSON.parse(text)))
    agree(text)
  })

  it("leaves to the schema whatever is not as the contract has it", () => {
    fc.assert(
      fc.property(anyLog, fc.nat(), fc.nat(), fc.constantFrom(...spoilt, withForeign), (log, which, where, with_) => {
        const event = log[which % log.length]
        if (event === undefined) return
        const paths = pathsOf(event)
        const path = paths[where % paths.length] ?? []
        agree(JSON.stringify(changedAt(event, path, typeof with_ === "function" ? withForeign : () => with_)) ?? "")
      }),
      { numRuns: 2_000 }
    )
  })

  it("takes of commands only what the schema leaves as it is", () => {
    assert.isTrue(exactly(commands.schedule)(small))
    for (const [title, name, json] of validCommands) {
      const schema = commands[name] as Schema.ConstraintDecoder<unknown>
      const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })
      for (const path of pathsOf(json)) {
        for (const value of [json, ...spoilt.map((with_) => changedAt(json, path, () => with_))])
          if (exactly(schema)(value)) assert.deepStrictEqual(Result.getOrThrow(decode(value)), value, title)
        const more = changedAt(json, path, withForeign)
        if (exactly(schema)(more)) assert.deepStrictEqual(Result.getOrThrow(decode(more)), more, title)
      }
    }
  })

  it("takes nothing that it would have to change, or does not know", () => {
    const message = { id: "m", name: "x" }
    const First = Schema.Struct({ id: Schema.String })
    const Second = Schema.Struct({ id: Schema.String, name: Schema.String })
    // The schema takes the first that fits, and drops the name.
    assert.isFalse(exactly(Schema.Union([First, Second]))(message))
    assert.isFalse(exactly(First)(message))
    assert.isTrue(exactly(Second)(message))
    assert.isFalse(exactly(Schema.FiniteFromString)("1"))
    assert.isFalse(exactly(Schema.Struct({ at: Schema.DateTimeUtcFromString }))({ at: "2026-12-01T09:00:00Z" }))
    assert.isFalse(exactly(Attempt)({}))
  })

  it("says of what is no JSON what the schema says", () => {
    for (const text of ["", "{", "null", "[]", '"x"', "1"]) agree(text)
  })
})
