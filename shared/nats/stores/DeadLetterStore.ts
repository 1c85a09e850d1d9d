// The DEAD stream: what was given up, one message each, found by its id.
import { JetStreamApiError } from "@nats-io/jetstream"
import { Context, Effect, Layer, Option, Result } from "effect"
import { decodeToPassOn } from "#shared/actor/Decode.ts"
import { DeadLetter } from "#shared/contract/DeadLetter.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { attempt, isAway, Nats, type NatsError } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { type Outgoing, Publisher } from "../messages/Publisher.ts"
import { readAll } from "../messages/ReadAll.ts"
import { EventLog } from "./EventLog.ts"

export interface Found {
  readonly letter: DeadLetter
  /** The command that is being carried out on it, if one is. */
  readonly decidedBy: string | undefined
  readonly sequence: number
  /** Milliseconds since the epoch, by the clock of NATS. */
  readonly storedAt: number
}

const decode = decodeToPassOn(DeadLetter)

export class DeadLetterStore extends Context.Service<
  DeadLetterStore,
  {
    find(id: MessageId): Effect.Effect<Option.Option<Found>, NatsError>
    /** Marks it as decided on by a command; answers with its place then, or with nothing if it is not as it was found. */
    claim(found: Found, decidedBy: string): Effect.Effect<Option.Option<number>, NatsError>
    /** Only this one: not a later one of the same message. */
    remove(sequence: number): Effect.Effect<void, NatsError>
    replace(letter: DeadLetter, sequence: number): Effect.Effect<void, NatsError>
    /** All of them, oldest first. */
    readonly all: Effect.Effect<ReadonlyArray<Found>, NatsError>
  }
>()("shared/nats/stores/DeadLetterStore") {
  static readonly layer = Layer.effect(
    DeadLetterStore,
    Effect.gen(function* () {
      const { js, manager } = yield* Nats
      const { last } = yield* EventLog
      const { publish, put } = yield* Publisher
      const found = (text: string, sequence: number, storedAt: number) =>
        Option.map(
          Result.getSuccess(decode(text)),
          ({ decided, ...letter }): Found => ({
            letter,
            decidedBy: decided?.by,
            sequence,
            storedAt: decided?.keptSince ?? storedAt
          })
        )
      return DeadLetterStore.of({
        find: (id) =>
          Effect.map(
            last("DEAD", Subject.dead("*", id)),
            Option.flatMap(({ text, sequence, storedAt }) => found(text, sequence, storedAt))
          ),
        claim: ({ letter, sequence, storedAt }, by) => {
          const { messageId, ...message } = deadLetterMessage({ ...letter, decided: { by, keptSince: storedAt } })
          return put({ ...message, messageId: `${messageId}.${by}`, expectedSequence: sequence })
        },
        remove: (sequence) =>
          attempt("remove a dead letter", () => manager.streams.deleteMessage("DEAD", sequence)).pipe(
            Effect.asVoid,
            // Gone already. A letter that stays may be decided on again, and must not stay in silence.
            Effect.catchIf(isGone, () => Effect.void)
          ),
        replace: (letter, sequence) =>
          Effect.asVoid(publish([{ ...deadLetterMessage(letter), expectedSequence: sequence }])),
        all: attempt("read the dead letters", async () => {
          const letters: Array<Found> = []
          await readAll(js, "DEAD", { filter_subjects: Subject.dead("*", "*") }, (message) =>
            letters.push(...Option.toArray(found(message.string(), message.seq, message.time.getTime())))
          )
          return letters
        })
      })
    })
  )
}

const isGone = (error: NatsError) => error.cause instanceof JetStreamApiError && !isAway(error)

export const deadLetterMessage = (letter: DeadLetter): Outgoing => ({
  subject: Subject.dead(letter.message.platform, letter.message.id),
  payload: JSON.stringify(letter),
  headers: { "ce-subject": letter.message.id },
  messageId: `${letter.message.id}.${letter.attempt}.${letter.state}`
})
