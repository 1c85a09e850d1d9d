// Reads back what the log says since an instant: of types of events, of some messages, or of a platform.
import { DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from "@nats-io/jetstream"
import { JetStreamStatusError } from "@nats-io/jetstream/internal"
import { Effect } from "effect"
import type { EventType } from "#shared/contract/Events.ts"
import type { MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { attempt, type NatsError } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { headersIn, textOfItsOwn } from "../messages/Headers.ts"
import { readAll } from "../messages/ReadAll.ts"
import type { StoredMessage } from "./LookUps.ts"

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

export const readingBack = (js: JetStreamClient, manager: JetStreamManager) => {
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
      if (!asked || group || about?.has(header("ce-subject") ?? "")) ids.set(textOfItsOwn(id), message.time.getTime())
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

  return { idsSince, about, since }
}

const isNothingFound = ({ cause }: NatsError) => cause instanceof JetStreamStatusError && cause.code === 404
