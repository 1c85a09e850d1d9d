// Messages at a steady rate, for what is to be measured away from its limit.
import { Effect } from "effect"
import { type Outgoing, Publisher } from "#shared/nats/messages/Publisher.ts"

const stepMillis = 50

/** Publishes so many a second; what is not in time is not caught up with. */
export const steadily = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>, perSecond: number) {
  const { publish } = yield* Publisher
  const size = Math.round((perSecond * stepMillis) / 1_000)
  for (let from = 0; from < messages.length; from += size) {
    const began = performance.now()
    yield* publish(messages.slice(from, from + size))
    yield* Effect.sleep(Math.max(0, stepMillis - (performance.now() - began)))
  }
})
