// What the flags of a message are taken for, and what is refused before the scheduler sees it.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { placeOf } from "../../cli/input/ContentFlags.ts"

describe("a place", () => {
  it.effect.each([
    ["52.5186,13.4081", { latitude: 52.5186, longitude: 13.4081 }],
    ["-33.9, +18.4", { latitude: -33.9, longitude: 18.4 }],
    ["48,11", { latitude: 48, longitude: 11 }]
  ] as const)("is latitude and longitude: %s", ([text, place]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* placeOf(text), place)
    })
  )

  // Decimal commas, half a place, and what JavaScript would take for a number.
  it.effect.each(["48,1,11,5", "52.5,", ",13.4", "52.5", "north,east", "0x10,1e1", "52.5;13.4", ""])(
    "is not guessed at: %s",
    (text) =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(placeOf(text))
        assert.strictEqual(message, "--location must be LATITUDE,LONGITUDE: 52.5186,13.4081")
      })
  )
})
