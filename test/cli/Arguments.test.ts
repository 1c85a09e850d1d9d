// What is typed on the command line.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { withNegativeValues } from "#cli/input/Arguments.ts"
import { distinct, followersOf, publishersOf } from "#cli/NatsUsers.ts"

describe("a value that begins with a minus", () => {
  it("belongs to the flag before it", () => {
    assert.deepStrictEqual(withNegativeValues(["list", "--from", "-1d", "--to", "+1d", "--limit", "5"]), [
      ...["list", "--from=-1d", "--to", "+1d", "--limit", "5"]
    ])
    assert.deepStrictEqual(withNegativeValues(["schedule", "--to", "-1001234567890", "--text", "-"]), [
      ...["schedule", "--to=-1001234567890", "--text", "-"]
    ])
  })
  it("is left alone where no flag waits for one", () => {
    const plain = ["show", "-1", "--json", "--from=-1d", "-2d", "--from", "-1d", "-1d"]
    assert.deepStrictEqual(withNegativeValues(plain), [
      "show",
      "-1",
      "--json",
      "--from=-1d",
      "-2d",
      "--from=-1d",
      "-1d"
    ])
  })
})

describe("a follower's name, and what it is to read", () => {
  it.effect("are taken as they are given, once each", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* followersOf(["outcomes", "desk=sent,sent,opted-out"]), [
        { name: "outcomes", role: "follower" },
        { name: "desk", role: "follower", types: ["sent", "opted-out"] }
      ])
    })
  )
  it.effect.each([
    ["scheduler-retries", "--follower must have a name of its own"],
    ["telegram-gateway-north-urgent", "--follower must have a name of its own"],
    ["Desk", "--follower must have a name of its own"],
    ["desk=sent,told", "--follower desk: types of events are scheduled, "]
  ] as const)("are refused as %s", ([given, why]) =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(followersOf([given]))
      assert.include(message, why)
    })
  )
  it.effect("are no publisher's", () =>
    Effect.gen(function* () {
      const both = [...(yield* publishersOf(["clinic"])), ...(yield* followersOf(["clinic"]))]
      assert.include((yield* Effect.flip(distinct(both))).message, "clinic is named twice")
    })
  )
})
