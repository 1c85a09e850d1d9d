// Reads the event log back: what was already said, and everything from a position onwards.
import { DeliverPolicy, type JsMsg, type OrderedConsumerOptions } from "@nats-io/jetstream"
import { type Cause, Context, Effect, Layer, Option, Queue, type Scope } from "effect"
import type { EventType } from "#shared/contract/Events.ts"
import type { Platform } from "#shared/contract/Fields.ts"
import { attempt, Nats, NatsError } from "./Nats.ts"
import type { StreamName } from "./Topology.ts"
import { pullExpiresMillis, Subject } from "./Topology.ts"

export interface StoredMessage {
  readonly sequence: number
  readonly storedAt: number
  readonly text: string
  header(name: string): string | undefined
}

export class EventLog extends Context.Service<
  EventLog,
  {
    /** The newest message under a subject of any stream. */
    last(stream: StreamName, subject: string): Effect.Effect<Option.Option<StoredMessage>, NatsError>
    /**
     * The ids (`ce-id`) of events of these types appended since an instant in milliseconds, and when each was stored.
     * Reads headers only.
     */
    idsSince(types: ReadonlyArray<EventType>, since: number): Effect.Effect<ReadonlyMap<string, number>, NatsError>
    /** The events of one type and platform appended since an instant in milliseconds. */
    since(
      type: EventType,
      platform: Platform,
      since: number
    ): Effect.Effect<ReadonlyArray<Pick<StoredMessage, "text" | "storedAt">>, NatsError>
    /**
     * Every event from a sequence on, in order, without end; a lost connection is resumed where it broke.
     * What is not taken stays in NATS, but for some thousands.
     */
    from(sequence: number): Effect.Effect<Queue.Dequeue<JsMsg, NatsError>, NatsError, Scope.Scope>
    /** The same, each as `read` makes of it when it comes. */
    reading<A>(
      sequence: number,
      read: (message: JsMsg) => A
    ): Effect.Effect<Queue.Dequeue<A, NatsError>, NatsError, Scope.Scope>
    /** When the log was created, and the sequence of its first and last event. */
    readonly extent: Effect.Effect<
      { readonly created: string; readonly first: number; readonly last: number },
      NatsError
    >
  }
>()("shared/nats/EventLog") {
  static readonly layer = Layer.effect(
    EventLog,
    Effect.gen(function* () {
      const { js, manager } = yield* Nats

      const open = (options: Partial<OrderedConsumerOptions>) =>
        attempt("read the log", () => js.consumers.get("EVENTS", options))

      const last = (stream: StreamName, subject: string) =>
        attempt("look up", () => manager.streams.getMessage(stream, { last_by_subj: subject })).pipe(
          Effect.map(Option.fromNullishOr),
          Effect.map(
            Option.map((found) => ({
              sequence: found.seq,
              storedAt: found.time.getTime(),
              text: found.string(),
              header: (name: string) => found.header.get(name) || undefined
            }))
          )
        )

      const readSince = Effect.fnUntraced(function* (
        filters: ReadonlyArray<string>,
        since: number,
        headersOnly: boolean,
        each: (message: JsMsg) => void
      ) {
        const consumer = yield* open({
          filter_subjects: [...filters],
          deliver_policy: DeliverPolicy.StartTime,
          // Clocks of client and server may differ a little.
          opt_start_time: new Date(since - 5_000).toISOString(),
          headers_only: headersOnly
        })
        const { num_pending: waiting } = yield* attempt("read the log", () => consumer.info())
        if (waiting === 0) return
        yield* attempt("read the log", async () => {
          const messages = await consumer.consume({ max_messages: 5_000 })
          for await (const message of messages) {
            each(message)
            if (message.info.pending === 0) break
          }
        })
      })

      const idsSince = Effect.fnUntraced(function* (types: ReadonlyArray<EventType>, since: number) {
        const ids = new Map<string, number>()
        const filters = types.map((type) => Subject.events(type))
        yield* readSince(filters, since, true, ({ headers, time }) =>
          ids.set(headers?.get("ce-id") ?? "", time.getTime())
        )
        return ids
      })

      const since = Effect.fnUntraced(function* (type: EventType, platform: Platform, from: number) {
        const found: Array<Pick<StoredMessage, "text" | "storedAt">> = []
        yield* readSince([Subject.events(type, platform)], from, false, (message) =>
          found.push({ text: message.string(), storedAt: message.time.getTime() })
        )
        return found
      })

      const reading = Effect.fnUntraced(function* <A>(sequence: number, read: (message: JsMsg) => A) {
        const queue = yield* Queue.bounded<A, NatsError | Cause.Done>(readAhead)
        const consumer = yield* open({
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: Math.max(1, sequence)
        })
        // As an iterator it asks the server for more only when what came was taken; a callback would pile it up here.
        const messages = yield* Effect.acquireRelease(
          attempt("read the log", () => consumer.consume({ max_messages: readAhead, expires: pullExpiresMillis })),
          // Not awaited: it is closed when the iterator comes to its end, which nobody may read to any more.
          (messages) =>
            Effect.andThen(
              Queue.shutdown(queue),
              Effect.sync(() => void messages.close())
            )
        )
        // By hand: a step of a stream for each message costs more than to read it.
        const pump = async () => {
          for await (const message of messages) {
            const one = read(message)
            if (!Queue.offerUnsafe(queue, one) && !(await Effect.runPromise(Queue.offer(queue, one)))) return
          }
        }
        yield* Effect.tryPromise({ try: pump, catch: readFailed }).pipe(
          Effect.andThen(Effect.fail(readFailed(new Error("it was closed")))),
          Effect.catch((error) => Queue.fail(queue, error)),
          Effect.forkScoped
        )
        return queue as Queue.Dequeue<A, NatsError>
      })

      const extent = attempt("look up", () => manager.streams.info("EVENTS")).pipe(
        Effect.map(({ created, state }) => ({ created, first: state.first_seq, last: state.last_seq }))
      )

      const from = (sequence: number) => reading(sequence, (message) => message)

      return EventLog.of({ last, idsSince, since, from, reading, extent })
    })
  )
}

const readFailed = (cause: unknown) => new NatsError({ operation: "read the log", cause })

/** How many events a reader of the log has at hand, twice: at the client and in the queue. */
const readAhead = 2_000
