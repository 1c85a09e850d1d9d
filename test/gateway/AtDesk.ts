// One active sender without its platform: what is put into its hands it sends by calls of the test's own.
import { ConfigProvider, Effect, Layer, Queue, type Scope } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import type { Orders } from "#shared/contract/Senders.ts"
import type { CircuitPolicy } from "#shared/gateway/limits/Circuit.ts"
import type { GatewayDefinition, SenderDefinition } from "#shared/gateway/Platform.ts"
import { contactsOf } from "#shared/gateway/people/Contacts.ts"
import { openDesk } from "#shared/gateway/sender/Desk.ts"
import type { Lease } from "#shared/gateway/sender/Lease.ts"
import { replaceOrders, standingOrders } from "#shared/gateway/sender/SenderRecord.ts"
import { expire, letGo } from "#shared/gateway/sending/Sending.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { natsForTest, natsLayerFor } from "../support/Layers.ts"

export const heldLease: Lease = {
  holds: () => true,
  sure: Effect.void,
  taken: Effect.succeed(false),
  lost: Effect.never
}

interface Settings {
  readonly connections?: number
  readonly lease?: Lease
  readonly circuit?: CircuitPolicy
  /** Leads to NATS by a way of its own; answers with its address. */
  readonly through?: (natsUrl: string) => Effect.Effect<string, never, Scope.Scope>
}

const quick: CircuitPolicy = { failures: 1, firstWait: 1, longestWait: 1 }

/** What is to be recorded comes out of `told`, and is not recorded. */
export const atDesk = Effect.fnUntraced(function* (
  calls: SenderDefinition["calls"],
  { circuit = quick, connections = 10, lease = heldLease, through }: Settings = {}
) {
  const { layer: direct, nats } = yield* natsForTest
  const layer = through ? natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL: yield* through(nats.url) })) : direct
  const context = yield* Layer.build(Memory.layer.pipe(Layer.provideMerge(layer), Layer.fresh))
  const sender: SenderDefinition = { name: "default", calls, obeysOptOut: true }
  const gateway: GatewayDefinition = {
    platform: "telegram",
    senders: [sender],
    connections,
    perSecond: 0,
    recipientLimit: () => undefined
  }
  return yield* Effect.gen(function* () {
    yield* provision([])
    const contacts = yield* contactsOf("telegram", "default")
    const hearer = { platform: "telegram", sender: "default", contacts, obeysOptOut: true } as const
    const desk = yield* openDesk(gateway, sender, hearer, lease, circuit)
    let seq = 0
    const put = (attempt: Attempt, recipient = attempt.message.recipient) => {
      const delivery = { seq: ++seq, time: new Date(), ack: () => {}, nak: () => {}, working: () => {} }
      const key = desk.allowance.know({ recipient })
      const span = { headers: {}, end: () => {} }
      const entry = desk.inHand.take(delivery as unknown as Delivery, attempt, recipient, key, () => span)
      if (!entry) throw new Error("in hand already")
      if (attempt.message.recipient.contact !== undefined) entry.lookedUpAt = Date.now()
      desk.turns.add(entry)
      desk.signal()
      return entry
    }
    const scope = yield* Effect.scope
    yield* Effect.forkScoped(letGo(desk, scope))
    yield* Effect.forkScoped(expire(desk))
    const order = Effect.fnUntraced(function* (orders: Orders) {
      const standing = yield* standingOrders("telegram", "default")
      yield* replaceOrders("telegram", "default", standing, orders, "command-1-1")
    }, Effect.provide(context))
    return { contacts, desk, order, put, told: Effect.map(Queue.take(desk.outcomes), ({ event }) => event) }
  }).pipe(Effect.provide(context))
})
