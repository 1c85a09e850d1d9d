// What a gateway takes in hand, and what it has in hand already, with a real consumer and a real log.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { GatewayDefinition, SenderDefinition } from "#shared/gateway/Platform.ts"
import { contactsOf } from "#shared/gateway/people/Contacts.ts"
import { openDesk } from "#shared/gateway/sender/Desk.ts"
import type { Lease } from "#shared/gateway/sender/Lease.ts"
import { acceptedEvent, startedEvent } from "#shared/gateway/sending/GatewayEvents.ts"
import { receive } from "#shared/gateway/sending/Intake.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { gatewayConsumers } from "#shared/nats/layout/Topology.ts"
import { openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { attemptOf } from "../support/Attempts.ts"
import { natsForTest } from "../support/Layers.ts"
import { resetConsumer } from "../support/Streams.ts"

const sender: SenderDefinition = { name: "default", calls: () => [] }
const gateway: GatewayDefinition = {
  platform: "telegram",
  senders: [sender],
  connections: 1,
  perSecond: 0,
  recipientLimit: () => undefined
}
const lease: Lease = { holds: () => true, sure: Effect.void, taken: Effect.succeed(false), lost: Effect.never }
const policy = { failures: 1, firstWait: 1, longestWait: 1 }

const now = Date.now()
const at = fromMillis(now)
const attempt = (id: string) =>
  attemptOf({ id, recipient: { chatId: id }, dueAt: at, expiresAt: fromMillis(now + 60_000) })

describe("a message that comes again while it is in hand", () => {
  it.live("is not taken in anew, though it is sent and settled while the log is read", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        const consumers = gatewayConsumers("telegram", "default")
        const mailbox = consumers.find(({ durable }) => durable.endsWith("-normal")) ?? assert.fail()
        yield* provision(consumers)
        const contacts = yield* contactsOf("telegram", "default")
        const hearer = { platform: "telegram", sender: "default", contacts, obeysOptOut: false } as const
        const desk = yield* openDesk(gateway, sender, hearer, lease, policy)
        const { inHand, turns } = desk
        const { append } = yield* Publisher
        const log = yield* EventLog
        const { take } = yield* openMailbox(mailbox)

        yield* append([{ type: "dispatched", at, ...attempt("1") }])
        yield* receive(desk, mailbox, yield* take(1))
        yield* append([{ type: "dispatched", at, ...attempt("2") }])
        yield* take(1)
        yield* resetConsumer(nats.url, "EVENTS", mailbox.durable)
        const again = [...(yield* take(1)), ...(yield* take(1))] as const
        assert.isTrue(again.every(({ redelivered }) => redelivered))

        const itsTurn = Effect.gen(function* () {
          const entry = turns.next(Date.now()) ?? assert.fail()
          const part = { part: 1, of: 1 }
          yield* append([
            startedEvent(entry.attempt, entry.to, part, now),
            acceptedEvent(entry.attempt, part, "1", now)
          ])
          turns.ended(entry.recipient)
          inHand.settled(entry)
        })
        yield* receive(desk, mailbox, again).pipe(
          Effect.provideService(EventLog, {
            ...log,
            idsSince: (...asked) => Effect.tap(log.idsSince(...asked), itsTurn)
          })
        )
        assert.deepStrictEqual([turns.waitingFor("1"), turns.waitingFor("2")], [0, 1])
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )
})
