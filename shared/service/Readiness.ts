// What must hold before a service takes work: every part registers its own check.
import { Context, Effect, Layer, type Scope } from "effect"

export interface Check {
  readonly name: string
  readonly ready: boolean
}

export class Readiness extends Context.Service<
  Readiness,
  {
    /** Asked at every probe for as long as the scope lives: cheap, and never failing. */
    check(name: string, ready: Effect.Effect<boolean>): Effect.Effect<void, never, Scope.Scope>
    /** A check that fails until the answer is run. */
    awaiting(name: string): Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
    /** Says that the checks are there: before that nothing is ready, whatever the first of them answer. */
    readonly begun: Effect.Effect<void>
    /** Every check with its answer. */
    readonly report: Effect.Effect<ReadonlyArray<Check>>
  }
>()("shared/service/Readiness") {
  static readonly layer = Layer.sync(Readiness, () => {
    const checks = new Set<{ readonly name: string; readonly ready: Effect.Effect<boolean> }>()
    const begun = unsaid()
    checks.add({ name: "begun", ready: begun.ready })
    const check = (name: string, ready: Effect.Effect<boolean>) => {
      const check = { name, ready }
      return Effect.acquireRelease(
        Effect.sync(() => checks.add(check)),
        () => Effect.sync(() => checks.delete(check))
      ).pipe(Effect.asVoid)
    }
    return Readiness.of({
      check,
      awaiting: (name) =>
        Effect.suspend(() => {
          const { ready, say } = unsaid()
          return Effect.as(check(name, ready), say)
        }),
      begun: begun.say,
      report: Effect.suspend(() =>
        Effect.forEach([...checks], ({ name, ready }) => Effect.map(ready, (ready) => ({ name, ready })))
      )
    })
  })
}

/** Not ready until it is said. */
const unsaid = () => {
  let said = false
  return {
    ready: Effect.sync(() => said),
    say: Effect.sync(() => {
      said = true
    })
  }
}
