// Stands between a service and NATS and, when told, loses the service's acknowledgements: what it has published stands,
// and NATS does not know that it was done. Then it can be killed.
import { Effect } from "effect"
import { lossyProxy } from "./LossyProxy.ts"

export interface AckLosingProxy {
  readonly url: string
  /** From now on what the service says of its messages is lost: that it works on them, and that it is done. */
  readonly loseAcks: Effect.Effect<void>
  /** How many were done. */
  readonly lost: () => number
}

export const ackLosingProxy = Effect.fnUntraced(function* (natsUrl: string) {
  let losing = false
  let lost = 0
  const url = yield* lossyProxy(natsUrl, (subject, frame) => {
    if (!losing || !subject.startsWith("$JS.ACK.")) return false
    if (frame.includes("+ACK")) lost++
    return true
  })
  const proxy: AckLosingProxy = {
    url,
    loseAcks: Effect.sync(() => {
      losing = true
    }),
    lost: () => lost
  }
  return proxy
})
