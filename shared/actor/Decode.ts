// For actors that read what our own services wrote: decodes a batch once, and keeps aside what cannot be read.
import { Effect, Result, type Schema } from "effect"
import { decoderOf } from "#shared/contract/fields/Exact.ts"
import { withForeign } from "#shared/contract/fields/Foreign.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { type Batch, done, type Handle, poison, redeliveredSince } from "./Actor.ts"

type Decode<A> = (text: string) => Result.Result<A, unknown>

/** Reads one JSON message. Foreign fields are ignored: a newer service may have written them. */
export const decodeWith = <A>(schema: Schema.ConstraintDecoder<unknown> & { readonly Type: A }): Decode<A> => {
  const decode: (value: unknown) => Result.Result<A, unknown> = decoderOf(schema)
  return (text) => Result.flatMap(parsed(text), decode)
}

/**
 * The same for what is passed on: below its root all stays as a newer service wrote it. Not at the root, for that may be of
 * another kind than what is read out of it.
 */
export const decodeToPassOn = <A extends object>(
  schema: Schema.ConstraintDecoder<unknown> & { readonly Type: A }
): Decode<A> => {
  const decode: (value: unknown) => Result.Result<A, unknown> = decoderOf(schema)
  return (text) =>
    Result.flatMap(parsed(text), (json) =>
      Result.map(decode(json), (known) => (known === json ? known : withForeign(known, json)))
    )
}

const parsed = (text: string): Result.Result<unknown, unknown> =>
  Result.try({ try: () => JSON.parse(text) as unknown, catch: (error) => error })

export interface Read<A> {
  readonly value: A
  readonly delivery: Delivery
}

/**
 * A handler over what could be read. It deals with the whole batch or fails as a whole: everything that it
 * publishes must be harmless to publish twice. `since` is given when some of it was redelivered.
 */
export const decoded =
  <A, R>(
    decode: Decode<A>,
    handle: (read: ReadonlyArray<Read<A>>, since: number | undefined) => Effect.Effect<void, NatsError, R>
  ): Handle<R> =>
  (batch: Batch) => {
    const results = batch.map((delivery) => decode(delivery.string()))
    const values = batch.flatMap((delivery, index): ReadonlyArray<Read<A>> => {
      const result = results[index]
      return result && Result.isSuccess(result) ? [{ value: result.success, delivery }] : []
    })
    return Effect.as(
      handle(values, redeliveredSince(batch)),
      results.map((result) => (Result.isSuccess(result) ? done : poison("undecodable")))
    )
  }
