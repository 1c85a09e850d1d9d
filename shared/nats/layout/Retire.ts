// Takes back what a sender that is given up for good has left: its queues, its orders, how it fared. Until then it is missed.
import { Effect, Schema } from "effect"
import type { SenderName } from "../access/Permissions.ts"
import { attempt, Nats } from "../connection/Nats.ts"
import { consumerState, orNothing } from "./Inspect.ts"
import { gatewayConsumers, Subject } from "./Topology.ts"

/** Something speaks against it: a gateway that runs, or messages that wait. */
export class NotRetired extends Schema.TaggedError<NotRetired>()("NotRetired", { why: Schema.String }) {
  override get message() {
    return this.why
  }
}

/** Messages that come due for it later find no gateway: the watchdog names them. Done twice it is done once. */
export const retire = Effect.fn("retire")(function* ({ platform, sender }: SenderName) {
  const { manager } = yield* Nats
  const name = `${platform} ${sender}`
  const lease = Subject.sender(platform, sender, "lease")
  const info = yield* attempt("look up SENDERS", () => manager.streams.info("SENDERS", { subjects_filter: lease }))
  if (info.state.subjects?.[lease]) {
    return yield* new NotRetired({ why: `A gateway is active for ${name}: take it out of its settings first` })
  }
  const lanes = gatewayConsumers(platform, sender)
  for (const lane of lanes) {
    const state = yield* consumerState(lane)
    const left = (state?.waiting ?? 0) + (state?.inHand ?? 0)
    if (left > 0) return yield* new NotRetired({ why: `${left} messages wait for ${name}: see \`carillon queues\`` })
  }
  for (const { durable, stream } of lanes)
    yield* orNothing(attempt(`delete consumer ${durable}`, () => manager.consumers.delete(stream, durable)))
  yield* attempt("forget a sender", () =>
    manager.streams.purge("SENDERS", { filter: `carillon.sender.${platform}.${sender}.>` })
  )
})
