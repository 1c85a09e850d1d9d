// A durable consumer as a queue: what arrives waits here until an actor takes it in batches.
import type { JsMsg } from "@nats-io/jetstream"
import { Cause, Effect } from "effect"
import { Readiness } from "#shared/service/Readiness.ts"
import { attempt, Nats, NatsError, waiting } from "../connection/Nats.ts"
import type { ConsumerDefinition } from "../layout/Topology.ts"
import { openRounds } from "./Rounds.ts"
import { type Taking, waitingRoom } from "./Waiting.ts"

/** `redelivered`, as it is when it is asked for: perhaps carried out by another, to be checked against the log. */
export type Delivery = JsMsg

/** Fails when the consumer is gone. */
export type Mailbox = Taking<Delivery, NatsError>

/** When a message came, on the steady clock. */
const cameOn = Symbol("cameOn")
type Stamped = Delivery & { [cameOn]: number }

/** What waits to be taken, before more is asked for. */
const waits = { messages: 500, bytes: 4_000_000 } as const

/**
 * Unacknowledged messages of a durable consumer; the taker settles each one.
 * What is not taken stays in NATS, but for what `waits` and the rounds say, so that it takes no memory here.
 * Closing it gives back what was not taken, so that another replica has it at once.
 */
export const openMailbox = Effect.fnUntraced(function* (definition: ConsumerDefinition) {
  const { clock, connection, js, presentSince } = yield* Nats
  const readiness = yield* Readiness
  const untaken = yield* waitingRoom<Delivery, NatsError>(waits)
  const open = yield* readiness.awaiting(`${definition.stream}/${definition.durable}`)
  yield* readiness.begun
  const consumer = yield* attempt(`open ${definition.durable}`, () =>
    js.consumers.get(definition.stream, definition.durable)
  ).pipe(waiting())
  const { created } = yield* attempt(`look at ${definition.durable}`, () => consumer.info()).pipe(waiting())
  const knownSince = Math.max(Date.parse(created), clock.now())
  let newest = 0
  const again = new WeakSet<Delivery>()
  const oursForMillis = definition.ackWaitMillis / 2
  // One for all: a function of its own for each message costs ten times as much.
  const redelivered = {
    get(this: Stamped) {
      return again.has(this) || performance.now() - this[cameOn] > oursForMillis || this.time.getTime() < presentSince()
    }
  }
  /**
   * NATS may give anew, as if for the first time, what it has given: by a consumer of the name of one that was deleted, by a
   * server that was killed with what it gave last, or by another one that takes its place, which nobody here notices: we need
   * not be connected to it. What was stored before we came or came back somebody else may have been given; what was stored
   * since, we were, and then it comes again behind what is newer. And while it waits here, or is in hand, we may be away for
   * so long, or so slow, that another is given it.
   */
  const given = (message: Delivery): Delivery => {
    if (message.redelivered || message.seq <= newest || message.time.getTime() < knownSince) again.add(message)
    newest = Math.max(newest, message.seq)
    ;(message as Stamped)[cameOn] = performance.now()
    return Object.defineProperty(message, "redelivered", redelivered)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const rounds = openRounds(connection, consumer, {
        room: untaken.room,
        each: (message) => untaken.put(given(message), message.data.length)
      })
      rounds.ended.then(
        (cause) =>
          cause && untaken.fail(Cause.fail(new NatsError({ operation: `consume ${definition.durable}`, cause })))
      )
      return rounds
    }),
    Effect.fnUntraced(function* (rounds) {
      yield* Effect.ignore(attempt("stop consuming", () => rounds.close()))
      for (const delivery of yield* untaken.clear) delivery.nak()
    })
  )
  yield* open
  return untaken as Mailbox
})
