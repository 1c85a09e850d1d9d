// The event log as the services ask it: what was already said, everything from a position onwards, and single messages of
// this and the other streams.
import type { JsMsg } from "@nats-io/jetstream"
import { Context, Effect, Layer, type Option, type Scope } from "effect"
import type { EventType } from "#shared/contract/Events.ts"
import type { MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import type { StreamName } from "../layout/Topology.ts"
import type { Taking } from "../messages/Waiting.ts"
import { lookUps, type StoredMessage } from "./LookUps.ts"
import { type Asked, type Heard, readingBack } from "./ReadingBack.ts"
import { readingOn } from "./ReadingOn.ts"

export class EventLog extends Context.Service<
  EventLog,
  {
    /** The newest message under a subject of any stream. */
    last(stream: StreamName, subject: string): Effect.Effect<Option.Option<StoredMessage>, NatsError>
    /** The newest message of each of these subjects that has one, in one exchange if they are small; at most 1,000 of them. */
    lastOfEach(
      stream: StreamName,
      subjects: ReadonlyArray<string>
    ): Effect.Effect<ReadonlyArray<StoredMessage>, NatsError>
    /**
     * The ids (`ce-id`) of events of these types appended since an instant in milliseconds, and when each was stored.
     * Reads headers only. Given groups of ids it ends as soon as it has found one of each group. Without `asked`, of all:
     * for a short time back.
     */
    idsSince(
      types: ReadonlyArray<EventType>,
      since: number,
      asked?: Asked
    ): Effect.Effect<ReadonlyMap<string, number>, NatsError>
    /** What events of these types say of these messages, since an instant in milliseconds, oldest first. Headers only. */
    about(
      ids: ReadonlySet<MessageId>,
      types: ReadonlyArray<EventType>,
      since: number
    ): Effect.Effect<ReadonlyArray<Heard>, NatsError>
    /** The message at a place of a stream, if it is still there. */
    at(stream: StreamName, sequence: number): Effect.Effect<Option.Option<StoredMessage>, NatsError>
    /** The first message of a subject, which may have wildcards, at this place of a stream or after it. */
    next(stream: StreamName, sequence: number, subject: string): Effect.Effect<Option.Option<StoredMessage>, NatsError>
    /** The events of one type and platform appended since an instant in milliseconds. */
    since(
      type: EventType,
      platform: Platform,
      since: number
    ): Effect.Effect<ReadonlyArray<Pick<StoredMessage, "text" | "storedAt">>, NatsError>
    /**
     * Every event from a sequence on, in order, without end; a lost connection is resumed where it broke.
     * What is not taken stays in NATS, but for `readAhead`.
     */
    from(sequence: number): Effect.Effect<Taking<JsMsg, NatsError>, NatsError, Scope.Scope>
    /** The same, each as `read` makes of it when it comes. */
    reading<A>(
      sequence: number,
      read: (message: JsMsg) => A
    ): Effect.Effect<Taking<A, NatsError>, NatsError, Scope.Scope>
    /** When the log was created, by which it is told from another; and the sequence of its first and last event. */
    readonly extent: Effect.Effect<
      { readonly created: string; readonly first: number; readonly last: number },
      NatsError
    >
  }
>()("shared/nats/stores/EventLog") {
  static readonly layer = Layer.effect(
    EventLog,
    Effect.gen(function* () {
      const { js, manager } = yield* Nats
      const reading = readingOn(js)

      const extent = attempt("look up", () => manager.streams.info("EVENTS")).pipe(
        Effect.map(({ created, state }) => ({
          // Clocks and Postgres keep less than the nanoseconds of NATS.
          created: fromMillis(toMillis(created)),
          first: state.first_seq,
          last: state.last_seq
        }))
      )

      const from = (sequence: number) => reading(sequence, (message) => message)

      return EventLog.of({ ...lookUps(manager), ...readingBack(js, manager), from, reading, extent })
    })
  )
}
