// A durable consumer as a queue: what arrives waits here until an actor takes it in batches.
import type { JsMsg } from "@nats-io/jetstream"
import { Cause, Effect, Queue } from "effect"
import { Readiness } from "#shared/service/Readiness.ts"
import { attempt, Nats, NatsError, waiting } from "./Nats.ts"
import { type ConsumerDefinition, pullExpiresMillis } from "./Topology.ts"

export type Delivery = JsMsg

/**
 * Unacknowledged messages of a durable consumer; the taker settles each one.
 * Fails when the consumer is gone. Closing it gives back what was not taken, so that another replica has it at once.
 */
export const openMailbox = Effect.fnUntraced(function* (definition: ConsumerDefinition) {
  const { connectedSince, js } = yield* Nats
  const readiness = yield* Readiness
  const queue = yield* Queue.unbounded<Delivery, NatsError>()
  const open = yield* readiness.awaiting(`${definition.stream}/${definition.durable}`)
  yield* readiness.begun
  const consumer = yield* attempt(`open ${definition.durable}`, () =>
    js.consumers.get(definition.stream, definition.durable)
  ).pipe(waiting())
  const { created } = yield* attempt(`look at ${definition.durable}`, () => consumer.info()).pipe(waiting())
  yield* Effect.acquireRelease(
    attempt(`consume ${definition.durable}`, async () => {
      const createdAt = Date.parse(created)
      const messages = await consumer.consume({
        max_messages: Math.min(definition.maxAckPending, 2_000),
        abort_on_missing_resource: true,
        expires: pullExpiresMillis,
        callback: (message) =>
          void Queue.offerUnsafe(queue, perhapsGivenBefore(message, Math.max(createdAt, connectedSince())))
      })
      const lost = (cause: unknown) =>
        Queue.failCauseUnsafe(queue, Cause.fail(new NatsError({ operation: `consume ${definition.durable}`, cause })))
      messages.closed().then((reason) => reason instanceof Error && lost(reason), lost)
      return messages
    }),
    Effect.fnUntraced(function* (messages) {
      yield* Effect.ignore(attempt("stop consuming", () => messages.close()))
      for (const delivery of yield* Effect.orElseSucceed(Queue.clear(queue), () => [])) delivery.nak()
    })
  )
  yield* open
  return queue as Queue.Dequeue<Delivery, NatsError>
})

/**
 * What was stored before its consumer was made may have been given to one of the same name that somebody deleted: a log
 * then gives everything anew, as if for the first time. So does a server that was killed with what it gave last. It counts
 * as redelivered, so that it is checked against the log.
 */
const perhapsGivenBefore = (message: Delivery, knownSince: number): Delivery =>
  message.time.getTime() < knownSince ? Object.defineProperty(message, "redelivered", { value: true }) : message
