// Whatever is given must be fit for use, before anything is begun: all that is not is told at once.
import { Data, Effect, Result } from "effect"
import { declared } from "./Settings.ts"

/** Says of each what was expected, never what was given. */
export class UnusableSettings extends Data.TaggedError("UnusableSettings")<{
  readonly problems: ReadonlyArray<string>
}> {
  override get message() {
    return this.problems.join("; ")
  }
}

/** Of those that the loaded modules declare. */
export const checkSettings = Effect.gen(function* () {
  const problems: Array<string> = []
  for (const { key, setting } of declared.values()) {
    if (setting === undefined) continue
    const found = yield* Effect.result(setting.given)
    if (Result.isSuccess(found)) continue
    // The first line says it; those that follow, where in the settings.
    const [problem = ""] = found.failure.cause.message.split("\n")
    problems.push(`${key}: ${problem}`)
  }
  if (problems.length > 0) return yield* new UnusableSettings({ problems })
})
