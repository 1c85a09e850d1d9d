// Puts messages into streams: many in one exchange where it can, one by one where it must learn each one's fate.
import { JetStreamApiError, PubHeaders } from "@nats-io/jetstream"
import { Array, Context, Effect, Layer, Option, Schedule } from "effect"
import { eventHeaders, eventId, type Headers } from "#shared/contract/CloudEvents.ts"
import type { Event } from "#shared/contract/Events.ts"
import { logEvents } from "#shared/telemetry/MessageLog.ts"
import { countEvents } from "#shared/telemetry/Metrics.ts"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import { Subject, streams } from "../layout/Topology.ts"
import { EventLog } from "../stores/EventLog.ts"
import { type FastMessage, fastBatchLimit, fastIngest } from "./FastIngest.ts"
import { headersOf } from "./Headers.ts"

export interface Outgoing {
  readonly subject: string
  readonly payload: string | Uint8Array
  readonly headers: Headers
  /** Dropped by the stream when it has seen this id within its duplicate window. */
  readonly messageId?: string
  /** Stored only if this is the sequence of the last message under `expectedOf`, or under the subject itself. */
  readonly expectedSequence?: number
  readonly expectedOf?: string
  /** How long it is kept, where a stream allows that. */
  readonly keepSeconds?: number
  readonly schedule?: { readonly at: string; readonly target: string }
  readonly cancelSchedule?: string
}

/** `stored` includes what a duplicate window dropped: it stands in the stream. `conflict`: the expectation failed. */
export type Fate = "stored" | "conflict"

export class Publisher extends Context.Service<
  Publisher,
  {
    /** Stores messages of one stream, in order; answers with the fate of each. */
    publish(messages: ReadonlyArray<Outgoing>): Effect.Effect<ReadonlyArray<Fate>, NatsError>
    /** Stores one; answers with its sequence, or nothing in conflict. */
    put(message: Outgoing): Effect.Effect<Option.Option<number>, NatsError>
    /**
     * Appends to the event log. What was redelivered may have been appended long ago by a service that was killed
     * before it acknowledged: give the time of the oldest redelivered message, and what stands in the log is left out.
     * Headers that go with an event, its trace, stand at the same place as the event.
     */
    append(
      events: ReadonlyArray<Event>,
      redeliveredSince?: number,
      headers?: ReadonlyArray<Headers>
    ): Effect.Effect<void, NatsError>
  }
>()("shared/nats/messages/Publisher") {
  /** The name stands in `ce-source`. */
  static readonly layer = (service: string) =>
    Layer.effect(
      Publisher,
      Effect.gen(function* () {
        const { clock, connection, js, manager, presentSince, told } = yield* Nats
        const log = yield* EventLog

        const putOne = (message: FastMessage): Effect.Effect<Option.Option<number>, NatsError> =>
          attempt("publish", () => js.publish(message.subject, message.payload, message.options)).pipe(
            onceDecided,
            Effect.map(({ seq }) => Option.some(seq)),
            Effect.catchIf(isConflict, () => Effect.succeedNone),
            Effect.tapError(() => Effect.sync(() => told(message.subject, false))),
            Effect.tap(() => Effect.sync(() => told(message.subject, true)))
          )
        const one = (message: FastMessage): Effect.Effect<Fate, NatsError> =>
          Effect.map(putOne(message), Option.match({ onNone: () => "conflict", onSome: () => "stored" }))

        const oneByOne = (messages: ReadonlyArray<FastMessage>) =>
          Effect.forEach(messages, one, { concurrency: "unbounded" })

        const chunk = (messages: ReadonlyArray<FastMessage>): Effect.Effect<ReadonlyArray<Fate>, NatsError> =>
          messages.length < smallest
            ? oneByOne(messages)
            : Effect.suspend(() => {
                const isKnown = knownFromNow()
                return attempt("publish a batch", () => fastIngest(connection, messages, 5_000)).pipe(
                  Effect.tap(() => Effect.sync(() => told(messages[0]?.subject ?? "", true))),
                  Effect.as(messages.map(() => "stored" as const)),
                  // Its answer does not say which message failed or got lost.
                  Effect.catchTag("NatsError", (error) =>
                    Effect.flatMap(isKnown, (is) => (is ? oneByOne(messages) : Effect.fail(error)))
                  )
                )
              })

        const publish = (messages: ReadonlyArray<Outgoing>) =>
          Effect.forEach(Array.chunksOf(messages.map(toFast), fastBatchLimit), chunk).pipe(Effect.map(Array.flatten))

        // As it stands, not as Topology.ts would make it: the operator may have set another.
        // Looked up until it is known, not cached: that would keep a failure for ever as well.
        let window: number | undefined
        const duplicateWindow = Effect.suspend(() =>
          window === undefined
            ? Effect.map(
                attempt("look up the log", () => manager.streams.info("EVENTS")),
                ({ config }) => {
                  window = config.duplicate_window / 1_000_000
                  return window
                }
              )
            : Effect.succeed(window)
        )

        /**
         * Whether NATS knows what it has stored from now on, and drops it if it is published again: not once we were suspended for
         * long, by the wall clock or by its own, which is asked: ours may have stood still. Others have this work by then.
         */
        const knownFromNow = () => {
          const [wall, theirs] = [Date.now(), clock.now()]
          return Effect.gen(function* () {
            yield* Effect.timeoutOption(clock.look, "1 second")
            const passed = Math.max(Date.now() - wall, clock.now() - theirs)
            const window = yield* Effect.orElseSucceed(duplicateWindow, () => usualWindow)
            return passed < Math.max(window / 2, quickMillis)
          })
        }

        const append = Effect.fnUntraced(function* (
          events: ReadonlyArray<Event>,
          redeliveredSince?: number,
          headers?: ReadonlyArray<Headers>
        ) {
          // Away meanwhile, we do not know for how long: our clocks may have stood still.
          const forgotten =
            redeliveredSince !== undefined &&
            (presentSince() > redeliveredSince || clock.now() - redeliveredSince > (yield* duplicateWindow) * 0.8)
          const said = forgotten
            ? yield* log.idsSince([...new Set(events.map((event) => event.type))], redeliveredSince, {
                oneOfEach: events.map((event) => [eventId(event)])
              })
            : undefined
          const fresh = events.flatMap((event, index) =>
            said?.has(eventId(event)) ? [] : [{ event, headers: headers?.[index] }]
          )
          yield* publish(fresh.map(({ event, headers }) => eventMessage(event, service, headers)))
          const appended = fresh.map(({ event }) => event)
          countEvents(appended)
          yield* logEvents(
            appended,
            fresh.map(({ headers }) => headers ?? {})
          )
        })

        return Publisher.of({ publish, put: (message) => putOne(toFast(message)), append })
      })
    )
}

/** An event as a message of the log, dropped by it when it is there already. */
export const eventMessage = (event: Event, service: string, headers: Headers = {}): Outgoing => ({
  subject: Subject.event(event),
  payload: JSON.stringify(event),
  headers: { ...eventHeaders(event, service), ...headers },
  messageId: eventId(event)
})

/** What `schedule.at` of a message that waits was; empty of one that does not. */
export const scheduledAt = ({ header }: { header(name: string): string | undefined }): string =>
  (header(PubHeaders.Schedule) ?? "").replace("@at ", "")

/** Where we may not ask. */
const usualWindow = streams.EVENTS.duplicate_window / 1_000_000

/** Nobody else was given our work so soon, however short an operator has made the window. */
const quickMillis = 1_000

/** A fast batch costs about three single publishes; below this it is not worth it. */
const smallest = 8

const wrongLastSequence = 10071

/** Somebody else was faster. */
export const isConflict = (error: NatsError) =>
  error.cause instanceof JetStreamApiError && error.cause.code === wrongLastSequence

const undecided = 10164

/**
 * In a cluster another publish under the same subject may be on its way to the other servers, as part of a batch say that was
 * broken off: in a moment it stands or does not, and only then is there a conflict.
 */
export const onceDecided = <A>(publish: Effect.Effect<A, NatsError>): Effect.Effect<A, NatsError> =>
  Effect.retry(publish, {
    schedule: Schedule.spaced("50 millis"),
    times: 20,
    while: ({ cause }) => cause instanceof JetStreamApiError && cause.code === undecided
  })

/**
 * Where nats-server finds a sampled `traceparent` it makes a map of all headers, to see whether it is to trace the message
 * itself. Told before that it is not, in its own words, it looks no further: a fifth of what it spends on storing one.
 */
const untraced = { "Nats-Trace-Dest": "trace disabled" }

/**
 * What is asked of the stream goes in headers of ours: given as options, the client would check each name and value.
 * Bytes are cut from a block that many share: for each text the client would ask for memory of its own.
 */
const toFast = ({ subject, payload, headers: given, ...asked }: Outgoing): FastMessage => {
  const headers: Record<string, string> = { ...(given.traceparent === undefined ? {} : untraced), ...given }
  if (asked.messageId !== undefined) headers[PubHeaders.MsgIdHdr] = asked.messageId
  if (asked.expectedSequence !== undefined)
    headers[PubHeaders.ExpectedLastSubjectSequenceHdr] = String(asked.expectedSequence)
  if (asked.expectedOf !== undefined) headers[PubHeaders.ExpectedLastSubjectSequenceSubjectHdr] = asked.expectedOf
  if (asked.keepSeconds !== undefined) headers[PubHeaders.MessageTTL] = `${asked.keepSeconds}s`
  if (asked.schedule) {
    headers[PubHeaders.Schedule] = `@at ${asked.schedule.at}`
    headers[PubHeaders.ScheduleTarget] = asked.schedule.target
  }
  if (asked.cancelSchedule !== undefined) {
    headers[PubHeaders.Scheduler] = asked.cancelSchedule
    headers[PubHeaders.ScheduleNext] = "purge"
  }
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  return { subject, payload: bytes, options: { headers: headersOf(headers) } }
}
