// The rules of the projection: what an event makes of the rows of its message. Pure.
// An event comes here once (its event id decides), but in whatever order the log has it.
import {
  type Attempt,
  attemptOf,
  type Event,
  type EventOf,
  inboundTypes,
  type Message,
  messageId,
  platform
} from "#shared/contract/Events.ts"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import {
  type AttemptRow,
  arrived,
  type ContentRow,
  final,
  further,
  type MessageRow,
  type Status,
  settled
} from "./Rows.ts"
import type { Recorded } from "./Timeline.ts"

export interface Rows {
  readonly messages: ReadonlyMap<string, MessageRow>
  readonly attempts: ReadonlyMap<string, AttemptRow>
  /** Null: to be removed. */
  readonly contents: ReadonlyMap<string, ContentRow | null>
}
export const noRows: Rows = { messages: new Map(), attempts: new Map(), contents: new Map() }

/** The rows that these events change, as they are afterwards; `known` are those that stood before. */
export const fold = (known: Rows, recorded: ReadonlyArray<Recorded>): Rows => {
  const messages = new Map<string, MessageRow>()
  const attempts = new Map<string, AttemptRow>()
  const contents = new Map<string, ContentRow | null>()
  for (const one of recorded) {
    const { event, storedAt } = one
    const id = messageId(event)
    if (id === undefined) continue
    const before = messages.get(id) ?? known.messages.get(id)
    const key = attemptKey(id, attemptOf(event))
    const knownAttempt = attempts.get(key) ?? known.attempts.get(key)
    const after = onEvent(before, event, id, storedAt, begins(knownAttempt, event))
    if (after === undefined) continue
    messages.set(id, after)
    if (event.type === "erased") contents.set(id, null)
    else if ("message" in event && after.erasedAt === null && plans(before, event)) {
      contents.set(id, contentsOf(event.message))
    }
    const attempt = onAttempt(knownAttempt, event, id)
    if (attempt) attempts.set(key, attempt)
  }
  return { messages, attempts, contents }
}

export const attemptKey = (id: string, attempt: number | undefined) => `${id}.${attempt}`

const statusAfter = {
  scheduled: "pending",
  rescheduled: "pending",
  dispatched: "processing",
  "send-started": "processing",
  "attempt-failed": "processing",
  "retry-scheduled": "processing",
  "fell-back": "processing",
  redriven: "processing",
  unknown: "unknown",
  "part-sent": "processing",
  sent: "sent",
  failed: "failed",
  expired: "expired",
  cancelled: "cancelled"
} as const satisfies Record<Exclude<Event["type"], Untold>, Status>

/** Events that say nothing of a message's status by themselves. */
type Untold = "rejected" | "resolved" | "discarded" | "erased" | Elsewhere

/** Events about senders, series and people, and what we found out ourselves: they stand in a timeline, and change no row. */
type Elsewhere =
  | "circuit-changed"
  | "orders-changed"
  | "overdue"
  | "recipient-unlinked"
  | "series-changed"
  | "occurrences-missed"
  | (typeof inboundTypes)[number]

const elsewhere: ReadonlySet<Event["type"]> = new Set<Elsewhere>([
  "circuit-changed",
  "orders-changed",
  "overdue",
  "recipient-unlinked",
  "series-changed",
  "occurrences-missed",
  ...inboundTypes
])

const ofMessage = (event: Event): event is Exclude<Event, EventOf<Elsewhere>> => !elsewhere.has(event.type)

const onEvent = (
  known: MessageRow | undefined,
  event: Event,
  id: string,
  storedAt: Instant,
  begun: boolean
): MessageRow | undefined => {
  // What only keeps an id taken says nothing of its message, not even that it waits.
  if (!ofMessage(event) || (event.type === "scheduled" && event.used)) return undefined
  if (event.type === "rejected") return onRejected(known, event, id, storedAt)
  const before = known ?? unheardOf(id, storedAt)
  const status = statusOf(before, event)
  const row = {
    ...before,
    ...(plans(known, event) ? planOf(event) : {}),
    ...errorAfter(before, event, status),
    ...channelOf(before, event),
    status,
    redrivenAt: event.type === "redriven" ? Math.max(before.redrivenAt, event.attempt) : before.redrivenAt,
    sentAt: before.sentAt ?? (event.type === "sent" ? event.sentAt : null),
    attempts: before.attempts + (begun ? 1 : 0),
    lastAttemptAt: event.type === "send-started" ? later(before.lastAttemptAt, event.at) : before.lastAttemptAt,
    possibleDuplicate: before.possibleDuplicate || (sends(event) && event.possibleDuplicate),
    possiblyArrived: doubtAfter(before, event, status),
    costUnits: before.costUnits + (event.type === "sent" || event.type === "part-sent" ? 1 : 0),
    acceptedAt: event.type === "scheduled" ? event.at : before.acceptedAt,
    erasedAt: event.type === "erased" ? event.at : before.erasedAt,
    updatedAt: later(before.updatedAt, storedAt)
  }
  return { ...row, ...(row.erasedAt === null ? {} : { metadata: {} }), nextAttemptAt: nextAttempt(row, event) }
}

/**
 * An operator's word starts a new life: what is heard later of the attempts before it counts no more, but that one was sent.
 * Then no further try is made.
 */
const statusOf = (before: MessageRow, event: Exclude<Event, EventOf<"rejected" | Elsewhere>>): Status => {
  if (event.type === "discarded" || event.type === "erased") return before.status
  if (event.type === "redriven")
    return event.attempt > before.redrivenAt && before.sentAt === null ? "processing" : before.status
  const attempt = attemptOf(event)
  if (event.type !== "sent" && attempt !== undefined && attempt < before.redrivenAt) return before.status
  return further(before.status, event.type === "resolved" ? event.as : statusAfter[event.type])
}

/**
 * A refusal changes nothing of a message that stands, not even when it was heard of last: the watchdog goes by that, and
 * whoever asks again and again would keep it away. A refused cancel or reschedule makes none either.
 */
const onRejected = (known: MessageRow | undefined, event: EventOf<"rejected">, id: string, storedAt: Instant) => {
  if (known || event.command !== "schedule") return undefined
  const problems = event.problems.map(({ path, problem }) => `${path} ${problem}`.trim())
  return { ...unheardOf(id, storedAt), platform: event.platform ?? null, errorDetail: problems.join("; ") }
}

/** The channel it is on: the first one that is heard of, until it falls back to another; and in the end that of its send. */
const channelOf = (before: MessageRow, event: Event) => {
  const message = "message" in event ? event.message : undefined
  const to = event.type === "sent" ? event : event.type === "fell-back" ? event.message : undefined
  const moves = before.sentAt === null ? to : undefined
  return {
    platform: moves?.platform ?? before.platform ?? platform(event) ?? null,
    sender: moves?.sender ?? before.sender ?? message?.sender ?? null,
    kind: before.kind ?? message?.kind ?? null,
    seriesId: before.seriesId ?? message?.series?.id ?? null
  }
}

const sends = (event: Event) => event.type === "send-started" || event.type === "sent"

// The lowest status: whatever is heard of a message moves it on.
const unheardOf = (id: string, storedAt: Instant): MessageRow => ({
  id,
  platform: null,
  sender: null,
  kind: null,
  seriesId: null,
  status: "rejected",
  dueAt: null,
  expiresAt: null,
  sentAt: null,
  attempts: 0,
  lastAttemptAt: null,
  nextAttemptAt: null,
  priority: null,
  unknownOutcome: null,
  possibleDuplicate: false,
  possiblyArrived: false,
  costUnits: 0,
  errorCategory: null,
  errorDetail: null,
  metadata: {},
  redrivenAt: 0,
  acceptedAt: null,
  plannedAt: null,
  erasedAt: null,
  recordedAt: storedAt,
  updatedAt: storedAt
})

/** What the timer of a message says of it, where nothing else does: what became of earlier tries is not known. */
export const waitingRows = ({ message, attempt, failures, possibleDuplicate, sendAt }: Attempt, armedAt: Instant) => {
  const { id, dueAt, expiresAt, kind, metadata, platform, priority, sender, unknownOutcome } = message
  const row: MessageRow = {
    ...unheardOf(id, armedAt),
    ...{ dueAt, expiresAt, metadata, platform, priority, sender, unknownOutcome, possibleDuplicate },
    kind: kind ?? null,
    status: attempt === 1 ? "pending" : "processing",
    attempts: failures,
    nextAttemptAt: attempt === 1 ? null : sendAt
  }
  return { message: row, content: contentsOf(message) }
}

type Carrying = Extract<Event, { readonly message: unknown }>

/**
 * Whether the message in the event is the plan from now on. The newest of scheduled and rescheduled is; what others
 * carry along counts only while neither was seen, because the log no longer had it. `scheduled` is before all others,
 * whatever time it says: it goes by the scheduler's clock, which may be ahead of NATS'.
 */
const plans = (known: MessageRow | undefined, event: Event): event is Carrying => {
  if (!("message" in event)) return false
  if (!isPlan(event)) return !known?.plannedAt && !known?.dueAt
  if (!known?.plannedAt) return true
  return event.type !== "scheduled" && (known.plannedAt === known.acceptedAt || known.plannedAt <= event.at)
}

const isPlan = (event: Event) => event.type === "scheduled" || event.type === "rescheduled" || event.type === "redriven"

const planOf = (event: Carrying) => {
  const { dueAt, expiresAt, priority, unknownOutcome, metadata } = event.message
  return { dueAt, expiresAt, priority, unknownOutcome, metadata, plannedAt: isPlan(event) ? event.at : null }
}

/** A field that a later version gives to messages is among the rest. */
const contentsOf = (message: Message): ContentRow => {
  const { recipient, content, ...others } = message
  const { id, platform, sender, kind, dueAt, expiresAt, priority, unknownOutcome, metadata, ...rest } = others
  return { messageId: id, recipient, content, rest }
}

/** The latest failure, for as long as it explains the status. */
const errorAfter = (before: MessageRow, event: Event, status: Status) => {
  if (arrived(status)) return noError
  if (event.type === "redriven") return event.attempt > before.redrivenAt ? noError : {}
  if (final(before.status)) return {}
  if ("category" in event) return { errorCategory: event.category, errorDetail: event.reason }
  if (event.type === "unknown") return { errorCategory: "unknown" as const, errorDetail: event.reason }
  return before.status === "rejected" ? noError : {}
}

const noError = { errorCategory: null, errorDetail: null }

/** Until it is known to have arrived, or is sent after all. */
const doubtAfter = (before: MessageRow, event: Event, status: Status): boolean =>
  settled(status) &&
  !arrived(status) &&
  (before.possiblyArrived || ("possiblyArrived" in event && event.possiblyArrived))

/** A retry waits from when it is planned until it begins; a reschedule may move it. */
const nextAttempt = (row: MessageRow, event: Event): Instant | null => {
  const next =
    event.type === "retry-scheduled" || event.type === "redriven" || event.type === "fell-back"
      ? event.sendAt
      : event.type === "rescheduled" && row.nextAttemptAt !== null && row.plannedAt === event.at
        ? event.message.dueAt
        : row.nextAttemptAt
  const begun = next !== null && row.lastAttemptAt !== null && next <= row.lastAttemptAt
  return begun || settled(row.status) ? null : next
}

/** Of a text in parts each has an intent of its own, and a later attempt may begin with any of them. */
const begins = (known: AttemptRow | undefined, event: Event) =>
  event.type === "send-started" && (known?.startedAt ?? null) === null

const onAttempt = (known: AttemptRow | undefined, event: Event, id: string): AttemptRow | undefined => {
  if (event.type !== "send-started" && event.type !== "sent" && event.type !== "attempt-failed") return undefined
  const before = { ...(known ?? notBegun(id, event.attempt)), ...channelOfAttempt(known, event) }
  const possibleDuplicate = before.possibleDuplicate || event.possibleDuplicate
  switch (event.type) {
    case "send-started":
      return { ...before, startedAt: before.startedAt ?? event.at, possibleDuplicate }
    // That the platform has it outweighs whatever else was thought of the attempt.
    case "sent": {
      const { sentAt: endedAt, providerMessageId } = event
      return { ...before, endedAt, outcome: "sent", category: null, reason: null, providerMessageId, possibleDuplicate }
    }
    case "attempt-failed": {
      const { at: endedAt, category, reason } = event
      const outcome = category === "unknown" ? "unknown" : "failed"
      return before.outcome === null ? { ...before, endedAt, outcome, category, reason, possibleDuplicate } : before
    }
  }
}

const channelOfAttempt = (
  known: AttemptRow | undefined,
  event: EventOf<"send-started" | "sent" | "attempt-failed">
) => ({
  platform: platform(event) ?? known?.platform ?? null,
  sender: ("message" in event ? event.message.sender : event.sender) ?? known?.sender ?? null
})

const notBegun = (messageId: string, attempt: number): AttemptRow => ({
  messageId,
  attempt,
  platform: null,
  sender: null,
  startedAt: null,
  endedAt: null,
  outcome: null,
  category: null,
  reason: null,
  providerMessageId: null,
  possibleDuplicate: false
})

// Instants of the contract sort as text.
const later = (one: Instant | null, other: Instant): Instant => (one !== null && one > other ? one : other)
