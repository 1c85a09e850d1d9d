// The dispatcher: decides a message's way. Timers that fired and attempts that failed in; events out.
import { Config, Effect } from "effect"
import { runActor } from "#shared/actor/Actor.ts"
import { decoded, decodeWith } from "#shared/actor/Decode.ts"
import { Attempt, type Event, events } from "#shared/contract/Events.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { consumers } from "#shared/nats/Topology.ts"
import { onDue, onFailure, type RetryPolicy } from "./Dispatch.ts"

const seconds = (name: string, byDefault: number) =>
  Config.Number(name).pipe(
    Config.withDefault(byDefault),
    Config.map((value) => value * 1_000)
  )

const retryPolicy: Config.Config<RetryPolicy> = Config.all({
  maxAttempts: Config.Int("RETRY_MAX_ATTEMPTS").pipe(Config.withDefault(8)),
  firstWait: seconds("RETRY_FIRST_WAIT_SECONDS", 1),
  longestWait: seconds("RETRY_LONGEST_WAIT_SECONDS", 3_600),
  senderWait: seconds("RETRY_SENDER_WAIT_SECONDS", 60)
})

const append = Effect.fnUntraced(function* (events: ReadonlyArray<Event>, since: number | undefined) {
  const publisher = yield* Publisher
  yield* publisher.append(events, since)
})

const handleTimers = decoded(decodeWith(Attempt), (attempts, since) =>
  append(
    attempts.map((attempt) => onDue(attempt, Date.now())),
    since
  )
)

const handleFailures = (policy: RetryPolicy) =>
  decoded(decodeWith(events["attempt-failed"]), (failures, since) =>
    append(
      failures.map((failed) => onFailure(failed, policy, Date.now())),
      since
    )
  )

export const run = Effect.gen(function* () {
  const policy = yield* retryPolicy
  yield* provision([consumers.dispatcherTimers, consumers.dispatcherFailures])
  yield* Effect.all(
    [
      runActor(consumers.dispatcherTimers, handleTimers),
      runActor(consumers.dispatcherFailures, handleFailures(policy))
    ],
    { concurrency: "unbounded" }
  )
})
