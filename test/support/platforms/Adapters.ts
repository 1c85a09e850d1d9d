// What the tests of every platform's adapter ask: that something has happened, and that nothing is told.
import { inspect } from "node:util"
import { assert } from "@effect/vitest"
import { Effect, Schedule } from "effect"

/** Looks often: what is waited for may be over soon. */
export const until = (condition: () => boolean) =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry({ schedule: Schedule.spaced("5 millis"), times: 1_000 })
  )

/** None of the secrets, in any way of writing a value down. */
export const tellsNoneOf = (secrets: ReadonlyArray<string>) => (value: unknown) => {
  const error = value instanceof Error ? `${value.message} ${value.stack}` : ""
  const written = `${JSON.stringify(value)} ${String(value)} ${inspect(value, { depth: 10, showHidden: true })} ${error}`
  for (const secret of secrets) assert.notInclude(written, secret)
}
