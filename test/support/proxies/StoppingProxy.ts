// Stands between a service and NATS and, when told, stops the service on a line: so many of its publishes still get
// through, and nothing after them. Then the service can be killed there.
import { Effect } from "effect"
import { lossyProxy } from "./LossyProxy.ts"

export interface StoppingProxy {
  readonly url: string
  /** From now on so many publishes and acknowledgements get through; look-ups do as long as it has not stopped. */
  stopAfter(publishes: number): Effect.Effect<void>
  /** What got through since, and what did not. */
  readonly passed: () => ReadonlyArray<string>
  readonly stopped: () => string | undefined
}

/** What a service does, not what it asks. */
const isPublish = (subject: string) => subject.startsWith("carillon.") || subject.startsWith("$JS.ACK.")

export const stoppingProxy = Effect.fnUntraced(function* (natsUrl: string) {
  let left = Number.POSITIVE_INFINITY
  let passed: Array<string> = []
  let stopped: string | undefined
  const url = yield* lossyProxy(natsUrl, (subject) => {
    if (stopped === undefined && isPublish(subject)) {
      if (left-- > 0) passed.push(subject)
      else stopped = subject
    }
    return stopped !== undefined
  })
  const proxy: StoppingProxy = {
    url,
    stopAfter: (publishes) =>
      Effect.sync(() => {
        left = publishes
        passed = []
      }),
    passed: () => passed,
    stopped: () => stopped
  }
  return proxy
})
