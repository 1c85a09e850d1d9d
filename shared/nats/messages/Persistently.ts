// For steps that may not be given up: what is in hand stays there until NATS has it.
import { Effect, Schedule } from "effect"
import type { NatsError } from "../connection/Nats.ts"

/** NATS away: waits, and says so, until the step succeeds. */
export const persistently = <A, R>(step: Effect.Effect<A, NatsError, R>) =>
  step.pipe(
    Effect.tapError((error) => Effect.logWarning("will try again", error)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie
  )
