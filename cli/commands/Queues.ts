// carillon queues: what waits where, and how long the oldest has.
import { Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import { consumerState, streamState } from "#shared/nats/Inspect.ts"
import { type ConsumerDefinition, consumers, type StreamName } from "#shared/nats/Topology.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { jsonFlag } from "../Flags.ts"
import { json as printJson, span, table } from "../Print.ts"

interface Place {
  readonly place: string
  readonly waiting: number
  readonly inHand?: number
  /** Milliseconds since the oldest was stored. */
  readonly oldest?: number
  readonly note?: string
}

const actors: ReadonlyArray<readonly [string, ConsumerDefinition]> = [
  ["commands for the scheduler", consumers.schedulerCommands],
  ["changes for the scheduler", consumers.schedulerChanges],
  ["retries for the scheduler", consumers.schedulerRetries],
  ["due timers for the dispatcher", consumers.dispatcherTimers],
  ["failed attempts for the dispatcher", consumers.dispatcherFailures],
  ["messages for the Telegram gateway", consumers.gateway("telegram")]
]

const age = (stream: StreamName, now: number) =>
  Effect.map(streamState(stream), (state) => (state?.oldest === undefined ? {} : { oldest: now - state.oldest }))

const actor = Effect.fnUntraced(function* ([place, definition]: readonly [string, ConsumerDefinition], now: number) {
  const state = yield* consumerState(definition)
  if (!state) return { place, waiting: 0, note: "no such consumer: start the service once" } satisfies Place
  const busy = state.waiting + state.inHand > 0
  return {
    place,
    waiting: state.waiting,
    inHand: state.inHand,
    // Of a work queue the oldest message is one that waits; of the log it may be long done.
    ...(busy && definition.stream === "COMMANDS" ? yield* age(definition.stream, now) : {}),
    ...(state.read || state.inHand > 0 ? {} : { note: "nobody reads it" })
  } satisfies Place
})

const places = Effect.gen(function* () {
  const now = Date.now()
  const read: ReadonlyArray<Place> = yield* Effect.forEach(actors, (one) => actor(one, now))
  const inTimers = (yield* streamState("TIMERS"))?.messages ?? 0
  const underWay = read.filter((_, index) => actors[index]?.[1].stream === "TIMERS")
  const timers: Place = {
    place: "timers not yet due",
    waiting: underWay.reduce((left, { waiting, inHand = 0 }) => left - waiting - inHand, inTimers)
  }
  const aside = yield* streamState("QUARANTINE")
  const quarantine: Place = {
    place: "quarantine",
    waiting: aside?.messages ?? 0,
    ...(aside?.oldest === undefined ? {} : { oldest: now - aside.oldest })
  }
  return [...read, timers, quarantine, yield* ledger(now)].sort((a, b) => (b.oldest ?? -1) - (a.oldest ?? -1))
})

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
          String(waiting),
          inHand === undefined ? "-" : String(inHand),
          oldest === undefined ? "-" : span(oldest),
          note ?? ""
        ])
      )
    )
  })
).pipe(Command.withDescription("Show what waits where, oldest first"))
