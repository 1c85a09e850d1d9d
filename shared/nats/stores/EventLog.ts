// Reads the event log back: what was already said, and everything from a position onwards.
import { setImmediate } from "node:timers/promises"
import { DeliverPolicy, type JsMsg, type StoredMsg } from "@nats-io/jetstream"
import { JetStreamStatusError } from "@nats-io/jetstream/internal"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import type { EventType } from "#shared/contract/Events.ts"
import type { MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { attempt, Nats, NatsError } from "../connection/Nats.ts"
import type { StreamName } from "../layout/Topology.ts"
import { pullExpiresMillis, Subject } from "../layout/Topology.ts"
import { headersIn, textOfItsOwn } from "../messages/Headers.ts"
import { readAll } from "../messages/ReadAll.ts"
import { type Taking, waitingRoom } from "../messages/Waiting.ts"

export interface StoredMessage {
  readonly sequence: number
  readonly subject: string
  readonly storedAt: number
  readonly data: Uint8Array
  /** The data as UTF-8. */
  readonly text: string
  header(name: string): string | undefined
}

/** An event of a message, as its headers name it. */
export interface Heard {
  readonly id: MessageId
  readonly type: EventType
  /** `ce-id`: the same when it is said again. */
  readonly eventId: string
  readonly attempt: number | undefined
  readonly sequence: number
  readonly storedAt: number
}

/** Which events are asked about: what else the log says may be more than there is memory for. */
export interface Asked {
  /** Groups of ids (`ce-id`): of each, one is enough. */
  readonly oneOfEach?: ReadonlyArray<ReadonlyArray<string>>
  /** Messages, of which all that is said is wanted. */
  readonly about?: ReadonlySet<string>
  /** What was stored later is not wanted, in milliseconds. */
  readonly until?: number
}

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

      const stored = (found: StoredMsg): StoredMessage => ({
        sequence: found.seq,
        subject: found.subject,
        data: found.data,
        storedAt: found.time.getTime(),
        text: found.string(),
        header: (name) => found.header.get(name) || undefined
      })
      const lookUp = (find: () => Promise<StoredMsg | null>) =>
        attempt("look up", find).pipe(Effect.map(Option.fromNullishOr), Effect.map(Option.map(stored)))
      const last = (stream: StreamName, subject: string) =>
        lookUp(() => manager.streams.getMessage(stream, { last_by_subj: subject }))
      const at = (stream: StreamName, sequence: number) =>
        sequence < 1
          ? Effect.succeed(Option.none())
          : lookUp(() => manager.streams.getMessage(stream, { seq: sequence }))
      /** Not directly: of the replicas any would answer, also one that is behind and has none. */
      const next = (stream: StreamName, sequence: number, subject: string) => {
        const query = { seq: Math.max(1, sequence), next_by_subj: subject }
        return lookUp(() => manager.streams.getMessage(stream, query))
      }

      // One that goes in between makes the answer an error, which says nothing of the others: not to be taken for none.
      const lastOfEach = (stream: StreamName, subjects: ReadonlyArray<string>) =>
        attempt("look up", async () => {
          const found = new Map<string, StoredMessage>()
          let left = subjects
          while (left.length > 0) {
            let pending = 0
            const before = found.size
            const messages = await manager.direct.getLastMessagesFor(stream, {
              multi_last: [...left],
              max_bytes: mostAtOnce
            })
            for await (const message of messages) {
              found.set(message.subject, stored(message))
              pending = message.pending
            }
            // Of a wildcard what was left would come in the same first part again, for ever.
            if (pending > 0 && found.size === before) throw new Error("the answer never comes to its end")
            left = pending > 0 ? left.filter((one) => !found.has(one)) : []
          }
          return [...found.values()]
        })

      /**
       * The sequence of the first event stored at an instant or after it, if there is one. Looked up by itself: of several
       * filters, nats-server 2.15 lets a consumer by time begin with the one that begins last, and leaves out the rest.
       */
      const placeAt = (instant: number) =>
        attempt("look up", async () => {
          const found = await manager.direct.getBatch("EVENTS", { start_time: new Date(instant), batch: 1 })
          for await (const { seq } of found) return seq
          // Any of the replicas has said so, perhaps one that is behind.
        }).pipe(Effect.catchIf(isNothingFound, () => placeAtLeader(instant)))

      const placeAtLeader = (instant: number) =>
        attempt("look up", async () => {
          let place: number | undefined
          const from = {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: fromMillis(instant),
            headers_only: true
          }
          const note = (message: JsMsg) => {
            place ??= message.seq
          }
          await readAll(js, "EVENTS", from, note, { ahead: 1, enough: () => true })
          return place
        })

      const readSince = Effect.fnUntraced(function* (
        filters: ReadonlyArray<string>,
        since: number,
        headersOnly: boolean,
        each: (message: JsMsg) => void,
        enough: () => boolean = () => false
      ) {
        // Clocks of client and server may differ a little.
        const start = yield* placeAt(Math.max(0, since - 5_000))
        if (start === undefined) return
        const options = {
          filter_subjects: [...filters],
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: start,
          headers_only: headersOnly
        }
        yield* attempt("read the log", () => readAll(js, "EVENTS", options, each, { ahead: 5_000, enough }))
      })

      const idsSince = Effect.fnUntraced(function* (types: ReadonlyArray<EventType>, since: number, asked?: Asked) {
        const ids = new Map<string, number>()
        const { about, oneOfEach = [], until = Number.POSITIVE_INFINITY } = asked ?? {}
        if (asked && !about?.size && oneOfEach.length === 0) return ids
        const groups = new Map(oneOfEach.flatMap((group) => group.map((id) => [id, group] as const)))
        const missing = new Set(oneOfEach)
        let isLater = false
        const note = (message: JsMsg) => {
          isLater = message.time.getTime() > until
          if (isLater) return
          const header = headersIn(message)
          const id = header("ce-id") ?? ""
          const group = groups.get(id)
          if (group) missing.delete(group)
          if (!asked || group || about?.has(header("ce-subject") ?? ""))
            ids.set(textOfItsOwn(id), message.time.getTime())
        }
        const filters = types.map((type) => Subject.events(type))
        yield* readSince(filters, since, true, note, () => isLater || (oneOfEach.length > 0 && missing.size === 0))
        return ids
      })

      const about = Effect.fnUntraced(function* (
        ids: ReadonlySet<MessageId>,
        types: ReadonlyArray<EventType>,
        since: number
      ) {
        const heard: Array<Heard> = []
        const filters = types.map((type) => Subject.events(type))
        yield* readSince(filters, since, true, (message) => {
          const header = headersIn(message)
          const id = header("ce-subject") ?? ""
          if (!ids.has(id)) return
          const type = message.subject.split(".")[2] as EventType
          const attempt = Number(header("ce-attempt") ?? Number.NaN)
          heard.push({
            id: textOfItsOwn(id),
            type,
            eventId: textOfItsOwn(header("ce-id") ?? ""),
            attempt: Number.isNaN(attempt) ? undefined : attempt,
            sequence: message.seq,
            storedAt: message.time.getTime()
          })
        })
        return heard
      })

      const since = Effect.fnUntraced(function* (type: EventType, platform: Platform, from: number) {
        const found: Array<Pick<StoredMessage, "text" | "storedAt">> = []
        yield* readSince([Subject.events(type, platform)], from, false, (message) =>
          found.push({ text: message.string(), storedAt: message.time.getTime() })
        )
        return found
      })

      const reading = Effect.fnUntraced(function* <A>(sequence: number, read: (message: JsMsg) => A) {
        const untaken = yield* waitingRoom<A, NatsError>(readAhead)
        const consumer = yield* attempt("read the log", () =>
          js.consumers.get("EVENTS", {
            deliver_policy: DeliverPolicy.StartSequence,
            opt_start_seq: Math.max(1, sequence)
          })
        )
        // As an iterator it asks the server for more only when what came was taken; a callback would pile it up here.
        const messages = yield* Effect.acquireRelease(
          attempt("read the log", () => consumer.consume({ max_messages: onTheWay, expires: pullExpiresMillis })),
          // Not awaited: it is closed when the iterator comes to its end, which nobody may read to any more.
          (messages) => Effect.sync(() => void messages.close())
        )
        // By hand: a step of a stream for each message costs more than to read it.
        const pump = async () => {
          let turn = 0
          for await (const message of messages) {
            // What has come already is at hand without waiting: whoever else has something to do would not get a turn.
            if (++turn % inOneTurn === 0) await setImmediate()
            await untaken.room()
            untaken.put(read(message), message.data.length)
          }
        }
        yield* Effect.tryPromise({ try: pump, catch: readFailed }).pipe(
          Effect.andThen(Effect.fail(readFailed(new Error("it was closed")))),
          Effect.catchCause((cause) => Effect.sync(() => untaken.fail(cause))),
          Effect.forkScoped
        )
        return untaken as Taking<A, NatsError>
      })

      const extent = attempt("look up", () => manager.streams.info("EVENTS")).pipe(
        Effect.map(({ created, state }) => ({
          // Clocks and Postgres keep less than the nanoseconds of NATS.
          created: fromMillis(toMillis(created)),
          first: state.first_seq,
          last: state.last_seq
        }))
      )

      const from = (sequence: number) => reading(sequence, (message) => message)

      return EventLog.of({ last, lastOfEach, at, next, idsSince, about, since, from, reading, extent })
    })
  )
}

const isNothingFound = ({ cause }: NatsError) => cause instanceof JetStreamStatusError && cause.code === 404

const readFailed = (cause: unknown) => new NatsError({ operation: "read the log", cause })

/** In bytes: what NATS cannot get rid of at once must not come to what it takes a connection for dead at, 64 MB by default. */
const mostAtOnce = 2_000_000

/** So many are read before others get their turn: Postgres, say, answers meanwhile, and waits for what comes next. */
const inOneTurn = 16

/** What a reader of the log has at hand. */
const readAhead = { messages: 2_000, bytes: 8_000_000 } as const

/** So many more are on their way to it, as they are: none that we accept is larger than 256 KiB. */
const onTheWay = 200
