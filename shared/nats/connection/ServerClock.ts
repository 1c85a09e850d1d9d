// The clock of the NATS server, which times every stored message and fires every timer, as far as it is known here.
// Kept by the monotonic clock between two looks: a jump of this machine's wall clock does not move it.
import type { JetStreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { gauge, shown } from "#shared/telemetry/Metrics.ts"

export interface ServerClock {
  /** Its time in milliseconds; our own while it was never heard. To be compared with when something was stored. */
  readonly now: () => number
  /**
   * When it was found, by its own time, that it had gone on while ours stood still: we were paused, as virtual machines are, and
   * no clock here says so. -Infinity if it never was.
   */
  readonly leftBehindAt: () => number
  /** Asks for it anew. */
  readonly look: Effect.Effect<void>
}

/** When the server gave this answer, by its own clock, which times the messages too. */
export const serverTime = (info: object): number | undefined => {
  const at = "ts" in info && typeof info.ts === "string" ? Date.parse(info.ts) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/** An answer that took longer tells too little. */
const longestRoundTripMillis = 1_000

/** Less than a lease lasts, and more than clocks drift apart between two looks, or than the servers of a cluster differ. */
const leftBehindMillis = 2_000

export const serverClock = (manager: JetStreamManager): ServerClock => {
  let sinceStart: number | undefined
  let leftBehindAt = Number.NEGATIVE_INFINITY
  return {
    now: () => (sinceStart === undefined ? Date.now() : Math.round(sinceStart + performance.now())),
    leftBehindAt: () => leftBehindAt,
    look: Effect.ignore(
      Effect.tryPromise(async () => {
        const askedAt = performance.now()
        const info = await manager.streams.info("EVENTS")
        const answeredAt = performance.now()
        const at = serverTime(info)
        if (at === undefined || answeredAt - askedAt > longestRoundTripMillis) return
        const heard = at - (askedAt + answeredAt) / 2
        if (sinceStart !== undefined && heard - sinceStart > leftBehindMillis)
          leftBehindAt = Math.round(heard + answeredAt)
        sinceStart = heard
      })
    )
  }
}

/** More than clocks that are kept by NTP differ, and less than makes a message late in a way that anybody notices. */
const worthSayingMillis = 1_000
const lookEvery = "5 seconds"

/** Shows how far our own clock is ahead of it, and says aloud when that is more than a second. Runs until interrupted. */
export const watchClock = Effect.fnUntraced(function* ({ look, now }: ServerClock) {
  const ahead = () => Date.now() - now()
  yield* shown(() => [
    gauge(
      "carillon_clock_skew_seconds",
      "The clock of this service ahead of that of the NATS server",
      () => ahead() / 1_000
    )
  ])
  let told = false
  while (true) {
    const wrong = Math.abs(ahead()) > worthSayingMillis
    if (wrong && !told)
      yield* Effect.logWarning(`the clock here is ${(ahead() / 1_000).toFixed(1)} s ahead of that of the NATS server`)
    if (!wrong && told) yield* Effect.logInfo("the clock here agrees with that of the NATS server again")
    told = wrong
    yield* Effect.sleep(lookEvery)
    yield* look
  }
}, Effect.scoped)
