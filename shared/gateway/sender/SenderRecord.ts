// What the replicas of a gateway share of one sender, kept in NATS: how it fares, and what operators ordered.
import { Effect, Option, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import type { Platform, Sender } from "#shared/contract/fields/Fields.ts"
import { noOrders, Orders, Profile, SenderState } from "#shared/contract/Senders.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { changedByHeader } from "#shared/nats/messages/Headers.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

const decodeState = decodeWith(SenderState)
const decodeOrders = decodeWith(Orders)
const decodeProfile = decodeWith(Profile)

const newest = <A>(decode: (text: string) => Result.Result<A, unknown>, subject: string) =>
  Effect.gen(function* () {
    const { last } = yield* EventLog
    const found = yield* last("SENDERS", subject)
    return Option.flatMap(found, ({ storedAt, text }) =>
      Option.map(Result.getSuccess(decode(text)), (value) => ({ storedAt, value }))
    )
  })

/** As the last active gateway left it, and when that was by the clock of NATS. */
export const readState = (platform: Platform, sender: Sender) =>
  Effect.map(
    newest(decodeState, Subject.sender(platform, sender, "state")),
    Option.map(({ storedAt, value }) => ({ state: value, writtenAt: storedAt }))
  )

export const writeState = Effect.fnUntraced(function* (platform: Platform, sender: Sender, state: SenderState) {
  const { publish } = yield* Publisher
  yield* publish([{ subject: Subject.sender(platform, sender, "state"), payload: JSON.stringify(state), headers: {} }])
})

/** As the last active gateway knew it. */
export const readProfile = (platform: Platform, sender: Sender) =>
  Effect.map(
    newest(decodeProfile, Subject.sender(platform, sender, "profile")),
    Option.map(({ value }) => value)
  )

export const writeProfile = Effect.fnUntraced(function* (platform: Platform, sender: Sender, profile: Profile) {
  const { publish } = yield* Publisher
  const subject = Subject.sender(platform, sender, "profile")
  yield* publish([{ subject, payload: JSON.stringify(profile), headers: {} }])
})

/** Orders as they stand, where that is, and the command that they were changed by. */
export interface StandingOrders {
  readonly orders: Orders
  readonly changedBy: string | undefined
  readonly sequence: number
}

/** Orders for a sender, or for all senders of a platform. */
export const standingOrders = Effect.fnUntraced(function* (platform: Platform, sender: Sender | "_all") {
  const { last } = yield* EventLog
  const found = Option.getOrUndefined(yield* last("SENDERS", Subject.sender(platform, sender, "orders")))
  return {
    orders: found ? Result.getOrElse(decodeOrders(found.text), () => noOrders) : noOrders,
    changedBy: found?.header(changedByHeader),
    sequence: found?.sequence ?? 0
  } satisfies StandingOrders as StandingOrders
})

/** The senders of a platform that have orders of their own. */
export const ownOrders = Effect.fnUntraced(function* (platform: Platform) {
  const { lastOfEach } = yield* EventLog
  const found = yield* lastOfEach("SENDERS", [Subject.sender(platform, "*", "orders")])
  return found.flatMap(({ subject, text }) => {
    const [, , , sender = ""] = subject.split(".")
    const orders = Result.getOrUndefined(decodeOrders(text))
    return orders === undefined || sender === "_all" ? [] : [{ sender, orders }]
  })
})

/** Whether a gateway has ever been active for it. */
export const hasRun = Effect.fnUntraced(function* (platform: Platform, sender: Sender) {
  const { lastOfEach } = yield* EventLog
  const left = (["lease", "state", "profile"] as const).map((what) => Subject.sender(platform, sender, what))
  return (yield* lastOfEach("SENDERS", left)).length > 0
})

/** Whether they stand now: not if somebody else changed those that were found at the same time. */
export const replaceOrders = Effect.fnUntraced(function* (
  platform: Platform,
  sender: Sender | "_all",
  { sequence: expectedSequence }: StandingOrders,
  orders: Orders,
  changedBy: string
) {
  const { publish } = yield* Publisher
  const subject = Subject.sender(platform, sender, "orders")
  const headers = { [changedByHeader]: changedBy }
  const [fate] = yield* publish([{ subject, payload: JSON.stringify(orders), headers, expectedSequence }])
  return fate === "stored"
})

/** What both sets of orders come to: the stricter of each. */
export const ordersFor = Effect.fnUntraced(function* (platform: Platform, sender: Sender) {
  const [ofAll, own] = [yield* standingOrders(platform, "_all"), yield* standingOrders(platform, sender)]
  return strictest(ofAll.orders, own.orders)
})

export const strictest = (one: Orders, other: Orders): Orders => {
  const rates = [one.perSecond, other.perSecond].filter((rate) => rate !== undefined)
  const drops = [one.dropDueBefore, other.dropDueBefore].filter((instant) => instant !== undefined)
  return {
    paused: one.paused || other.paused,
    ...(rates.length > 0 ? { perSecond: Math.min(...rates) } : {}),
    // Instants of the contract sort as text.
    ...(drops.length > 0 ? { dropDueBefore: drops.toSorted().at(-1) as string } : {})
  }
}
