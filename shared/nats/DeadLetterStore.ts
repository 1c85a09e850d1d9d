// The DEAD stream: what was given up, one message each, found by its id.
import { Context, Effect, Layer, Option, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { DeadLetter } from "#shared/contract/DeadLetter.ts"
import type { MessageId } from "#shared/contract/Fields.ts"
import { EventLog } from "./EventLog.ts"
import { attempt, Nats, type NatsError } from "./Nats.ts"
import { type Outgoing, Publisher } from "./Publisher.ts"
import { readAll } from "./ReadAll.ts"
import { Subject } from "./Topology.ts"

export interface Found {
  readonly letter: DeadLetter
  readonly sequence: number
  /** Milliseconds since the epoch, by the clock of NATS. */
  readonly storedAt: number
}

const decode = decodeWith(DeadLetter)

export class DeadLetterStore extends Context.Service<
  DeadLetterStore,
  {
    find(id: MessageId): Effect.Effect<Option.Option<Found>, NatsError>
    /** Only this one: not a later one of the same message. */
    remove(sequence: number): Effect.Effect<void, NatsError>
    replace(letter: DeadLetter, sequence: number): Effect.Effect<void, NatsError>
    /** All of them, oldest first. */
    readonly all: Effect.Effect<ReadonlyArray<Found>, NatsError>
  }
>()("shared/nats/DeadLetterStore") {
  static readonly layer = Layer.effect(
    DeadLetterStore,
    Effect.gen(function* () {
      const { js, manager } = yield* Nats
      const { last } = yield* EventLog
      const { publish } = yield* Publisher
      const found = (text: string, sequence: number, storedAt: number) =>
        Option.map(Result.getSuccess(decode(text)), (letter): Found => ({ letter, sequence, storedAt }))
      return DeadLetterStore.of({
        find: (id) =>
          Effect.map(
            last("DEAD", Subject.dead("*", id)),
            Option.flatMap(({ text, sequence, storedAt }) => found(text, sequence, storedAt))
          ),
        remove: (sequence) =>
          attempt("remove a dead letter", () => manager.streams.deleteMessage("DEAD", sequence)).pipe(
            // Gone already.
            Effect.ignore
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

export const deadLetterMessage = (letter: DeadLetter): Outgoing => ({
  subject: Subject.dead(letter.message.platform, letter.message.id),
  payload: JSON.stringify(letter),
  headers: { "ce-subject": letter.message.id },
  messageId: `${letter.message.id}.${letter.attempt}.${letter.state}`
})
