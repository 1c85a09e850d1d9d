// All that the steps of one active sender work on together: what is in hand, whose turn it is, what may be sent, and
// what is to be recorded.
import { Effect, Option, Queue } from "effect"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { heard } from "#shared/nats/messages/Listen.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { Allowance } from "../limits/Allowance.ts"
import type { CircuitPolicy } from "../limits/Circuit.ts"
import { clockJumps } from "../limits/ClockJumps.ts"
import type { GatewayDefinition, SenderDefinition } from "../Platform.ts"
import type { Hearer } from "../people/Updates.ts"
import type { Entry } from "../sending/Entry.ts"
import { InHand } from "../sending/InHand.ts"
import { Turns } from "../sending/Turns.ts"
import type { Lease } from "./Lease.ts"
import { ordersFor, readState, writeState } from "./SenderRecord.ts"

/** What happened to an entry, on its way into the log. */
export interface Recorded {
  readonly entry: Entry
  readonly event: Event
}

export interface PutOff {
  /** When the last of them comes back. */
  readonly until: number
  readonly dueAt: number
}

/** So long before its instant a message has its turn: its intent is stored by then, together with those of others. */
export const aheadMillis = 50

/** After a batch of so many that goes into the log: what comes meanwhile goes together. Where many come, soon enough do. */
export const gatherMillis = (batch: number) => (batch < 50 ? 25 : 10)

export interface Desk {
  readonly gateway: GatewayDefinition
  readonly sender: SenderDefinition
  readonly hearer: Hearer
  readonly lease: Lease
  readonly inHand: InHand
  readonly turns: Turns
  readonly allowance: Allowance
  readonly outcomes: Queue.Queue<Recorded>
  readonly record: (entry: Entry, event: Event) => void
  /** The wall clock. Ask only this one: should it have jumped, everything that is timed by it moves along. */
  readonly now: () => number
  /** The last message of each recipient that was put off. */
  readonly deferrals: Map<string, PutOff>
  /** Something changed that may let a message go: one came, a send ended, orders came. */
  readonly changed: Queue.Queue<void>
  readonly signal: () => void
}

export const openDesk = Effect.fnUntraced(function* (
  gateway: GatewayDefinition,
  sender: SenderDefinition,
  hearer: Hearer,
  lease: Lease,
  policy: CircuitPolicy
) {
  const { clock } = yield* Nats
  const found = Option.getOrUndefined(yield* persistently(readState(gateway.platform, sender.name)))
  const allowance = new Allowance(gateway, policy, found?.state)
  // Written by the clock of another, which may have been as wrong as ours.
  if (found) allowance.moved(found.writtenAt - toMillis(found.state.at) + Date.now() - clock.now())
  allowance.orders = yield* persistently(ordersFor(gateway.platform, sender.name))
  const outcomes = yield* Queue.unbounded<Recorded>()
  const changed = yield* Queue.sliding<void>(1)
  const jump = clockJumps(Date.now, () => performance.now())
  const deferrals = new Map<string, PutOff>()
  const now = () => {
    const by = jump()
    if (by !== 0) {
      allowance.moved(by)
      for (const [key, { until, dueAt }] of deferrals) deferrals.set(key, { until: until + by, dueAt })
      turns.anew()
    }
    return Date.now()
  }
  const turns: Turns = new Turns(
    (recipient, at = now()) => allowance.recipientAt(recipient, at),
    gateway.atOnce,
    aheadMillis
  )
  return {
    gateway,
    sender,
    hearer,
    lease,
    inHand: new InHand(),
    turns,
    allowance,
    outcomes,
    now,
    deferrals,
    record: (entry, event) => void Queue.offerUnsafe(outcomes, { entry, event }),
    changed,
    signal: () => void Queue.offerUnsafe(changed, undefined)
  } satisfies Desk as Desk
})

/** Orders are looked up when NATS says that there are new ones, and every second whatever it says. */
const ordersEveryMillis = 1_000

/** NATS away: they stay as they were heard last. */
const hearOrders = Effect.fnUntraced(function* ({ allowance, gateway, sender }: Desk) {
  allowance.orders = yield* Effect.orElseSucceed(ordersFor(gateway.platform, sender.name), () => allowance.orders)
})

/** After something that may have taken long: an order that was given meanwhile is to be obeyed. */
export const hearOrdersAfter = (desk: Desk, begunAt: number) =>
  desk.now() - begunAt > ordersEveryMillis ? hearOrders(desk) : Effect.void

/** Takes in new orders, and writes down how the sender fares when that has changed. Runs until interrupted. */
export const keepRecord = Effect.fnUntraced(function* (desk: Desk) {
  const { allowance, gateway, now: clock, sender, signal } = desk
  const { append } = yield* Publisher
  const told = yield* heard(Subject.sender(gateway.platform, "*", "orders"), 1)
  let written = ""
  while (true) {
    const now = clock()
    yield* hearOrders(desk)
    for (const { state, reason } of allowance.takeChanges()) {
      yield* Effect.logWarning(
        `the circuit of ${gateway.platform} ${sender.name} is ${state}${reason && `: ${reason}`}`
      )
      const about = { platform: gateway.platform, sender: sender.name, state, reason }
      yield* persistently(append([{ type: "circuit-changed", at: fromMillis(now), ...about }]))
    }
    const state = allowance.state(now)
    const text = JSON.stringify(state)
    // Tried once for each look at the orders: they are heard whatever becomes of it.
    if (text !== written)
      yield* writeState(gateway.platform, sender.name, { ...state, at: fromMillis(Date.now()) }).pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            written = text
          })
        ),
        Effect.catchTag("NatsError", (error) => Effect.logWarning("will try again", error))
      )
    signal()
    yield* Effect.timeoutOption(Queue.take(told), ordersEveryMillis)
  }
})
