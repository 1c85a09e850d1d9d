// A machine that was suspended, as this process sees it when it wakes: its steady clock stood still, its wall clock did not.
import { Effect } from "effect"

/** Until the scope closes. */
export const slept = (millis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Date.now
      Date.now = () => before() + millis
      return before
    }),
    (before) =>
      Effect.sync(() => {
        Date.now = before
      })
  )
