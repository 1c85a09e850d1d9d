// A machine that was suspended, as this process sees it when it wakes: its steady clock stood still, its wall clock did not.
import { Effect } from "effect"

/** For whatever is to be in the middle of something then. Until the scope closes. */
export const maySleep = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Date.now
      let asleep = 0
      Date.now = () => before() + asleep
      const sleep = (millis: number) => {
        asleep += millis
      }
      return { before, sleep }
    }),
    ({ before }) =>
      Effect.sync(() => {
        Date.now = before
      })
  ),
  ({ sleep }) => sleep
)

/** Until the scope closes. */
export const slept = (millis: number) => Effect.map(maySleep, (sleep) => sleep(millis))
