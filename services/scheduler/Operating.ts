// Carries out what operators order for senders: hold, let go (at a rate), drop what is stale. The gateways obey.
import { Effect, Option, Result } from "effect"
import type { Platform, Sender } from "#shared/contract/Fields.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import type { Orders } from "#shared/contract/Senders.ts"
import { decodeCommand } from "#shared/contract/Submission.ts"
import { changeOrders } from "#shared/gateway/SenderRecord.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { type Answer, body, causeOf, refused } from "./Answer.ts"

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

/** Twice the same order changes nothing; the time in a drop is that of the command, not of its being carried out. */
export const operate = Effect.fnUntraced(function* (name: Operation, delivery: Delivery, now: number) {
  const cause = causeOf(delivery)
  const at = fromMillis(now)
  const wish = wishes[name](delivery)
  if (Result.isFailure(wish)) return refused(name, cause, wish.failure, at)
  const { platform, sender, reason, change } = wish.success
  const orders = yield* changeOrders(platform, sender ?? "_all", (before) => change(before, delivery.time.getTime()))
  if (Option.isNone(orders)) return {} satisfies Answer
  const about = { platform, ...(sender === undefined ? {} : { sender }), orders: orders.value }
  return {
    reply: { status: "ordered", ...about },
    event: { type: "orders-changed", at, ...about, cause, ...(reason === undefined ? {} : { reason }) }
  } satisfies Answer
})
