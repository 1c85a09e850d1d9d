// Carries out what operators order for senders: hold, let go (at a rate), drop what is stale. The gateways obey.
import { Effect, Result } from "effect"
import type { Platform, Sender } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { Orders } from "#shared/contract/Senders.ts"
import { decodeCommand } from "#shared/contract/Submission.ts"
import { hasRun, ordersFor, ownOrders, replaceOrders, standingOrders } from "#shared/gateway/sender/SenderRecord.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { type Answer, body, causeOf, isLater, notYet, refused, wasSaid } from "../commands/Answer.ts"

interface Wish {
  readonly platform: Platform
  readonly sender?: Sender
  readonly reason?: string
  readonly change: (orders: Orders, now: number) => Orders
}

type Operation = "pause" | "resume" | "drop"

const wishes = {
  pause: (delivery: Delivery) =>
    Result.map(
      decode("pause", delivery),
      (command): Wish => ({
        ...command,
        change: (orders) => ({ ...orders, paused: true })
      })
    ),
  resume: (delivery: Delivery) =>
    Result.map(
      decode("resume", delivery),
      ({ perSecond, ...command }): Wish => ({
        ...command,
        change: ({ dropDueBefore }) => ({
          paused: false,
          ...(perSecond === undefined ? {} : { perSecond }),
          ...(dropDueBefore === undefined ? {} : { dropDueBefore })
        })
      })
    ),
  drop: (delivery: Delivery) =>
    Result.map(
      decode("drop", delivery),
      ({ laterThanSeconds, ...command }): Wish => ({
        ...command,
        change: (orders, now) => ({ ...orders, dropDueBefore: fromMillis(now - laterThanSeconds * 1_000) })
      })
    )
}

const decode = <Name extends Operation>(name: Name, delivery: Delivery) =>
  Result.flatMap(body(delivery), (json) => decodeCommand(name, json))

/**
 * Twice the same order changes nothing; the time in a drop is that of the command, not of its being carried out. One that
 * comes back after a later one, as when its scheduler was killed, is told how it stands if it had been carried out, and
 * refused if it had not.
 */
export const operate = Effect.fnUntraced(function* (name: Operation, delivery: Delivery, now: number) {
  const cause = causeOf(delivery)
  const at = fromMillis(now)
  const wish = wishes[name](delivery)
  if (Result.isFailure(wish)) return refused(name, cause, wish.failure, at)
  const { platform, sender, reason, change } = wish.success
  const about = { platform, ...(sender === undefined ? {} : { sender }) }
  const told = (orders: Orders) => ({
    reply: { status: "ordered" as const, ...about, orders },
    event: {
      ...{ type: "orders-changed" as const, at, ...about, orders, cause },
      ...(reason === undefined ? {} : { reason })
    }
  })
  const found = yield* standingOrders(platform, sender ?? "_all")
  if (found.changedBy !== undefined && isLater(found.changedBy, cause)) {
    const { event, reply } = told(found.orders)
    return (yield* wasSaid(event, delivery))
      ? { reply: { ...reply, ...(yield* comesTo(platform, sender, found.orders)) } }
      : refused(name, cause, { platform, problems: [{ path: "", problem: overtaken }] }, at)
  }
  const orders = change(found.orders, delivery.time.getTime())
  const stored = yield* replaceOrders(platform, sender ?? "_all", found, orders, cause)
  if (!stored) return notYet
  const { event, reply } = told(orders)
  return { event, reply: { ...reply, ...(yield* comesTo(platform, sender, orders)) } } satisfies Answer as Answer
})

/** A gateway obeys the stricter of two orders: whoever lets go must hear of the other. */
const comesTo = Effect.fnUntraced(function* (platform: Platform, sender: Sender | undefined, orders: Orders) {
  if (sender !== undefined) {
    return { inEffect: yield* ordersFor(platform, sender), hasRun: yield* hasRun(platform, sender) }
  }
  const stricter = (yield* ownOrders(platform)).filter(({ orders: own }) => isStricter(own, orders))
  return stricter.length > 0 ? { stricter } : {}
})

const isStricter = (own: Orders, ofAll: Orders) =>
  (own.paused && !ofAll.paused) || (own.perSecond ?? Infinity) < (ofAll.perSecond ?? Infinity)

const overtaken = "came back after a later order for the same sender was carried out"
