// An actor: a durable consumer is its mailbox; batch in, events out, then each message settled. The one place where
// what became of a message turns into what the broker is told.
import { type Array, Cause, Effect, Exit, Option } from "effect"
import { isNeverSent, type NatsError } from "#shared/nats/connection/Nats.ts"
import type { ConsumerDefinition } from "#shared/nats/layout/Topology.ts"
import { headersIn } from "#shared/nats/messages/Headers.ts"
import { type Delivery, openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { setAside } from "#shared/nats/stores/Quarantine.ts"

export type Settlement =
  /** What follows from the message is stored: it may be forgotten. */
  | { readonly _tag: "Done" }
  /** Bring it again, after this time. */
  | { readonly _tag: "Again"; readonly afterMillis: number }
  /** No actor can process it: kept aside for a person, with a reason that holds no personal data. */
  | { readonly _tag: "Poison"; readonly reason: string }

export const done: Settlement = { _tag: "Done" }
export const again = (afterMillis: number): Settlement => ({ _tag: "Again", afterMillis })
export const poison = (reason: string): Settlement => ({ _tag: "Poison", reason })

export type Batch = Array.NonEmptyReadonlyArray<Delivery>

/** Answers for each message of the batch, in its order. Failing leaves the whole batch to be delivered again. */
export type Handle<R> = (batch: Batch) => Effect.Effect<ReadonlyArray<Settlement>, NatsError, R>

export interface Options {
  readonly batchSize?: number
}

const givesUpAfter = 5

/** Runs until interrupted: then nothing more is taken, and the batch in hand is finished. */
export const runActor = <R>(mailbox: ConsumerDefinition, handle: Handle<R>, { batchSize = 500 }: Options = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { take } = yield* openMailbox(mailbox)
      while (true) {
        yield* Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(restore(take(batchSize)), (batch) => handleAndSettle(mailbox, batch, handle))
        )
      }
    })
  )

const handleAndSettle = <R>(
  mailbox: ConsumerDefinition,
  batch: Batch,
  handle: Handle<R>
): Effect.Effect<void, never, R | Publisher> =>
  Effect.flatMap(Effect.exit(handle(batch)), (exit) => {
    if (Exit.isSuccess(exit)) return settle(mailbox, batch, exit.value)
    if (!isBug(exit.cause)) {
      return Effect.logWarning(`${mailbox.durable}: will try again`, Cause.squash(exit.cause)).pipe(
        Effect.andThen(
          settle(
            mailbox,
            batch,
            batch.map(() => again(1_000))
          )
        )
      )
    }
    // A bug that one message brings out must not hold back or repeat the others.
    if (batch.length > 1) {
      return Effect.forEach(batch, (delivery) => handleAndSettle(mailbox, [delivery], handle), { discard: true })
    }
    const [delivery] = batch
    return Effect.logError(`${mailbox.durable}: cannot process message ${delivery.seq}: ${where(exit.cause)}`).pipe(
      Effect.andThen(
        settle(mailbox, batch, [
          delivery.info.deliveryCount < givesUpAfter ? again(1_000 * delivery.info.deliveryCount) : poison("defect")
        ])
      )
    )
  })

/** All else is for want of NATS, and passes. */
const isBug = (cause: Cause.Cause<NatsError>) =>
  Cause.hasDies(cause) || Option.exists(Cause.findErrorOption(cause), isNeverSent)

/** Where a bug showed itself. What its error says may repeat a piece of the message, and is left out. */
const where = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (!(error instanceof Error)) return "not an error"
  const frames = (error.stack ?? "").split("\n").filter((line) => line.trimStart().startsWith("at "))
  return [error.name, ...frames.slice(0, 6).map((line) => line.trim())].join(" ")
}

export const settle = Effect.fnUntraced(function* (
  mailbox: ConsumerDefinition,
  batch: ReadonlyArray<Delivery>,
  settlements: ReadonlyArray<Settlement>
) {
  for (const [index, delivery] of batch.entries()) {
    const settlement = settlements[index] ?? again(1_000)
    switch (settlement._tag) {
      case "Done":
        delivery.ack()
        break
      case "Again":
        delivery.nak(settlement.afterMillis)
        break
      case "Poison":
        yield* quarantine(mailbox, delivery, settlement.reason)
    }
  }
})

const quarantine = Effect.fnUntraced(
  function* (mailbox: ConsumerDefinition, delivery: Delivery, reason: string) {
    const { publish } = yield* Publisher
    const { data, seq: sequence, subject } = delivery
    yield* publish([setAside(mailbox, { data, sequence, subject, header: headersIn(delivery) }, reason)])
    yield* Effect.logError(`${mailbox.durable}: message ${delivery.seq} is in quarantine: ${reason}`)
    delivery.ack()
  },
  Effect.catchTag("NatsError", (error) => Effect.logWarning("quarantine is out of reach", error))
)

/** When the oldest of the redelivered messages was stored, if any was redelivered: see Publisher.append. */
export const redeliveredSince = (batch: ReadonlyArray<Delivery>): number | undefined => {
  const times = batch.filter((delivery) => delivery.redelivered).map((delivery) => delivery.time.getTime())
  return times.length === 0 ? undefined : Math.min(...times)
}
