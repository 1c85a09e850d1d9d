// A machine that was suspended, as this process sees it when it wakes: its steady clock stood still; its wall clock did not, or
// did as well.
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

/** A virtual machine that was paused without a word: to all of its own clocks no time has passed. Until the scope closes. */
export const paused = (millis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = { wall: Date.now, steady: performance.now }
      Date.now = () => before.wall() - millis
      performance.now = () => before.steady.call(performance) - millis
      return before
    }),
    ({ steady, wall }) =>
      Effect.sync(() => {
        Date.now = wall
        performance.now = steady
      })
  )
