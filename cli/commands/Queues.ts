// carillon queues: what waits where, and how long the oldest has.
import { Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import { noOrders, type Orders } from "#shared/contract/Senders.ts"
import { strictest } from "#shared/gateway/sender/SenderRecord.ts"
import { type ConsumerState, durables, type SenderSeen, senders, streamState } from "#shared/nats/layout/Inspect.ts"
import { fixedConsumers, laneOf } from "#shared/nats/layout/Topology.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { jsonFlag } from "../input/Flags.ts"
import { dash, json as printJson, span, table } from "../output/Print.ts"

interface Place {
  readonly place: string
  readonly waiting?: number
  readonly inHand?: number
  /** Milliseconds since the oldest was stored. */
  readonly oldest?: number
  readonly note?: string
}

const called: Readonly<Record<string, string>> = {
  scheduler: "commands for the scheduler",
  "scheduler-changes": "changes for the scheduler",
  "scheduler-retries": "retries for the scheduler",
  "scheduler-ticks": "series for the scheduler",
  dispatcher: "due timers for the dispatcher",
  "dispatcher-failures": "failed attempts for the dispatcher"
}

const lane = (durable: string) => {
  const found = laneOf(durable)
  return found ? `${found.priority} messages for ${found.platform} ${found.sender}` : durable
}

const actor = (durable: string, state: ConsumerState, now: number): Place => ({
  place: called[durable] ?? lane(durable),
  waiting: state.waiting,
  inHand: state.inHand,
  ...(state.oldest === undefined ? {} : { oldest: now - state.oldest }),
  ...(state.read || state.inHand > 0 ? {} : { note: "nobody reads it" })
})

const places = Effect.gen(function* () {
  const now = Date.now()
  const found = yield* durables
  const missing = fixedConsumers.filter(({ durable }) => !found.some((one) => one.durable === durable))
  const inTimers = (yield* streamState("TIMERS"))?.messages ?? 0
  const underWay = found.filter(({ stream }) => stream === "TIMERS")
  const timers: Place = {
    place: "timers not yet due",
    waiting: underWay.reduce((left, { state: { waiting, inHand } }) => left - waiting - inHand, inTimers)
  }
  const read = [
    ...found.map(({ durable, state }) => actor(durable, state, now)),
    ...missing.map(({ durable }): Place => ({ place: called[durable] ?? durable, waiting: 0, note: notYet }))
  ]
  const aside = yield* streamState("QUARANTINE")
  const quarantine: Place = {
    place: "quarantine",
    waiting: aside?.messages ?? 0,
    ...(aside?.oldest === undefined ? {} : { oldest: now - aside.oldest })
  }
  const dead = yield* streamState("DEAD")
  const deadLetters: Place = {
    place: "dead letters",
    waiting: dead?.messages ?? 0,
    ...(dead?.oldest === undefined ? {} : { oldest: now - dead.oldest })
  }
  return [...read, timers, quarantine, deadLetters, yield* ledger(now), ...(yield* senderPlaces(now))].sort(
    (a, b) => (b.oldest ?? -1) - (a.oldest ?? -1)
  )
})

const senderPlaces = (now: number) =>
  Effect.map(senders, (all) =>
    all.map(
      (one): Place => ({
        place: one.sender === "_all" ? `all senders of ${one.platform}` : `sender ${one.platform} ${one.sender}`,
        note: howItFares(one, ordersForAll(all, one), now)
      })
    )
  )

const ordersForAll = (all: ReadonlyArray<SenderSeen>, { platform }: SenderSeen) =>
  all.find((one) => one.platform === platform && one.sender === "_all")?.orders ?? noOrders

/** Its gateway obeys the stricter of its orders and those for all senders. */
const howItFares = ({ active, orders: own = noOrders, sender, state }: SenderSeen, ofAll: Orders, now: number) => {
  const orders = strictest(ofAll, own)
  const circuit = state?.circuit
  const braked = (state?.brakes.senderUntil ?? 0) - now
  const chats = Object.values(state?.brakes.recipientsUntil ?? {}).filter((until) => until > now).length
  const said = [
    orders.paused ? (own.paused ? "paused" : "paused with all senders") : "",
    orders.perSecond === undefined ? "" : `at most ${orders.perSecond} a second`,
    orders.dropDueBefore === undefined ? "" : `drops what was due before ${orders.dropDueBefore}`,
    circuit && circuit.state !== "closed" ? `circuit ${circuit.state}: ${circuit.reason}` : "",
    circuit?.state === "open" && circuit.probeAt > now ? `probe in ${span(circuit.probeAt - now)}` : "",
    braked > 0 ? `told to wait ${span(braked)}` : "",
    chats > 0 ? `${chats} recipients told to wait` : "",
    active || sender === "_all" ? "" : "no gateway is active"
  ].filter((one) => one !== "")
  return said.length > 0 ? said.join("; ") : "sending"
}

const notYet = "no such consumer: start the service once"

const ledger = Effect.fnUntraced(function* (now: number) {
  const place = "events for the ledger"
  const log = yield* streamState("EVENTS")
  const { position } = yield* Reader
  const at = yield* Effect.result(position)
  if (at._tag === "Failure") return { place, waiting: 0, note: "Postgres is out of reach" } satisfies Place
  const waiting =
    (log?.lastSequence ?? 0) - Option.match(at.success, { onNone: () => 0, onSome: ({ sequence }) => sequence })
  const since = Option.map(at.success, ({ updatedAt }) => now - Date.parse(updatedAt))
  return {
    place,
    waiting,
    ...(waiting > 0 && Option.isSome(since) ? { oldest: since.value } : {}),
    ...(Option.isNone(at.success) ? { note: "no ledger has run yet" } : {})
  } satisfies Place
})

export const queuesCommand = Command.make(
  "queues",
  { json: jsonFlag },
  Effect.fnUntraced(function* ({ json }) {
    const found = yield* places
    if (json) return yield* printJson(found)
    yield* Console.log(
      table(
        ["what", "waiting", "in hand", "oldest", ""],
        found.map(({ place, waiting, inHand, oldest, note }: Place) => [
          place,
          dash(waiting),
          inHand === undefined ? "-" : String(inHand),
          oldest === undefined ? "-" : span(oldest),
          note ?? ""
        ])
      )
    )
  })
).pipe(Command.withDescription("Show what waits where, oldest first"))
