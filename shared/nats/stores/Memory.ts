// What gateways remember beside the log, by key: ids of uploaded files, link tokens, contacts, what a button stands for.
import { DeliverPolicy } from "@nats-io/jetstream"
import { Context, Effect, Layer, Option } from "effect"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import { type Memorised, Subject } from "../layout/Topology.ts"
import { type Fate, Publisher } from "../messages/Publisher.ts"
import { readAll } from "../messages/ReadAll.ts"
import { EventLog } from "./EventLog.ts"

export interface Remembered {
  readonly value: string
  /** For `expected`: nobody else has changed it since. */
  readonly sequence: number
}

export interface Keeping {
  /** Stored only if this is its sequence; 0: only if there is none. */
  readonly expected?: number
  /** For ever if left out. */
  readonly seconds?: number
}

export class Memory extends Context.Service<
  Memory,
  {
    recall(what: Memorised, key: string): Effect.Effect<Option.Option<Remembered>, NatsError>
    remember(what: Memorised, key: string, value: string, keeping?: Keeping): Effect.Effect<Fate, NatsError>
    forget(what: Memorised, key: string): Effect.Effect<void, NatsError>
    /** Everything under a beginning of a key, which ends at a dot. */
    all(
      what: Memorised,
      beginning: string
    ): Effect.Effect<ReadonlyArray<Remembered & { readonly key: string }>, NatsError>
  }
>()("shared/nats/stores/Memory") {
  static readonly layer = Layer.effect(
    Memory,
    Effect.gen(function* () {
      const { js, manager } = yield* Nats
      const { last } = yield* EventLog
      const { publish } = yield* Publisher
      return Memory.of({
        recall: (what, key) =>
          Effect.map(
            last("MEMORY", Subject.memory(what, key)),
            Option.map(({ text, sequence }) => ({ value: text, sequence }))
          ),
        remember: (what, key, value, { expected, seconds } = {}) =>
          Effect.map(
            publish([
              {
                subject: Subject.memory(what, key),
                payload: value,
                headers: {},
                ...(expected === undefined ? {} : { expectedSequence: expected }),
                ...(seconds === undefined ? {} : { keepSeconds: seconds })
              }
            ]),
            ([fate]) => fate ?? "conflict"
          ),
        forget: (what, key) =>
          Effect.asVoid(
            attempt("forget", () => manager.streams.purge("MEMORY", { filter: Subject.memory(what, key) }))
          ),
        all: (what, beginning) =>
          attempt("recall", async () => {
            const prefix = Subject.memory(what, "")
            const options = {
              filter_subjects: Subject.memory(what, `${beginning}>`),
              deliver_policy: DeliverPolicy.LastPerSubject
            }
            const found: Array<Remembered & { readonly key: string }> = []
            await readAll(js, "MEMORY", options, (message) =>
              found.push({ key: message.subject.slice(prefix.length), value: message.string(), sequence: message.seq })
            )
            return found
          })
      })
    })
  )
}
