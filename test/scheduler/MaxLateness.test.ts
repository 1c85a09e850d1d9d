// How late messages may be, by kind, as it is configured.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { maxLatenessByKind } from "../../services/scheduler/commands/MaxLateness.ts"

const configured = (settings: Readonly<Record<string, string>>) =>
  maxLatenessByKind.pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(settings))))

describe("the lateness that a message may have", () => {
  it.effect("is an hour, unless its kind or the default say otherwise", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* configured({}))(undefined), 3_600_000)
      const of = yield* configured({
        DEFAULT_MAX_LATENESS_SECONDS: "60",
        MAX_LATENESS_SECONDS: "medication=600, appointment=7200"
      })
      assert.deepStrictEqual(
        [undefined, "other", "medication", "appointment"].map(of),
        [60_000, 60_000, 600_000, 7_200_000]
      )
    })
  )

  for (const [text, problem] of [
    ["medication", "for medication"],
    ["medication=soon", "for medication"],
    ["medication=99999999", "for medication"],
    ["Medication=5", "entry 1"],
    ["a=1,,b=2", "entry 2"],
    ["a=1,a=2", "names a twice"]
  ] as const)
    it.effect(`cannot be "${text}": the start is refused, naming the place`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(configured({ MAX_LATENESS_SECONDS: text }))
        assert.include(message, "MAX_LATENESS_SECONDS")
        assert.include(message, problem)
      })
    )
})
