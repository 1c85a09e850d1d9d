// An event as a row of the timeline: of its fields only those named here, none of which holds personal data. Pure.
import { eventId } from "#shared/contract/CloudEvents.ts"
import { attemptOf, type Event, type EventOf, type EventType, messageId } from "#shared/contract/Events.ts"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import type { TimelineRow } from "./Rows.ts"
import { timeline } from "./Tables.ts"

/** An event with its place in the log. */
export interface Recorded {
  readonly event: Event
  readonly sequence: number
  readonly storedAt: Instant
  /** The trace that the event was appended in. */
  readonly traceId?: string | undefined
}

type Fields<Type extends EventType> = ReadonlyArray<keyof EventOf<Type>>

const told: { readonly [Type in EventType]: Fields<Type> } = {
  scheduled: ["cause"],
  rescheduled: ["previousDueAt", "cause", "reason"],
  rejected: ["command", "series", "problems", "cause"],
  cancelled: ["dueAt", "reason", "possiblyArrived"],
  dispatched: ["sendAt", "failures", "possibleDuplicate", "partsSent"],
  expired: ["expiresAt", "possiblyArrived"],
  "send-started": ["sender", "part", "possibleDuplicate"],
  "part-sent": ["part", "sentAt", "providerMessageId"],
  sent: ["sender", "dueAt", "sentAt", "providerMessageId", "possibleDuplicate"],
  "attempt-failed": ["category", "reason", "failures", "retryAfterMillis", "possibleDuplicate"],
  "retry-scheduled": ["category", "reason", "failures", "sendAt", "possibleDuplicate", "partsSent"],
  failed: ["category", "reason", "possiblyArrived"],
  unknown: ["reason"],
  "fell-back": ["from", "category", "reason", "possibleDuplicate"],
  redriven: ["sendAt", "possibleDuplicate", "cause", "reason"],
  discarded: ["cause", "reason"],
  resolved: ["as", "cause", "reason"],
  overdue: ["rule", "since"],
  erased: ["cause", "reason"],
  "orders-changed": ["platform", "sender", "orders", "cause", "reason"],
  "circuit-changed": ["platform", "sender", "state", "reason"],
  "recipient-linked": ["platform", "sender", "contact", "cause"],
  "recipient-unlinked": ["platform", "sender", "contact", "cause", "reason"],
  "recipient-blocked": ["platform", "sender", "contacts", "cause"],
  "recipient-unblocked": ["platform", "sender", "contacts", "cause"],
  // That there was an answer, not which: what a patient says of their health is theirs.
  "reply-received": ["platform", "sender", "contacts", "providerMessageId", "cause"],
  "opted-out": ["platform", "sender", "contacts", "cause"],
  "opted-in": ["platform", "sender", "contacts", "cause"],
  "series-changed": ["series", "platform", "revision", "change", "occurrence", "cause", "reason"],
  "occurrences-missed": ["series", "platform", "revision", "count", "from", "to"]
}

const toldOfPlan = ["dueAt", "expiresAt", "priority", "unknownOutcome"] as const

export const timelineRow = ({ event, sequence, storedAt, traceId }: Recorded): TimelineRow => ({
  eventId: eventId(event),
  messageId: messageId(event) ?? "",
  type: event.type,
  attempt: attemptOf(event) ?? null,
  at: event.at,
  storedAt,
  sequence,
  detail: detailOf(event, traceId)
})

// Of every event there is: no more than one object is made for it.
const detailOf = (event: Event, traceId: string | undefined) => {
  const detail: Record<string, unknown> = {}
  const tell = <A extends object>(of: A, keys: ReadonlyArray<keyof A & string>) => {
    for (const key of keys) if (of[key] !== undefined) detail[key] = of[key]
  }
  tell(event, told[event.type] as ReadonlyArray<keyof Event>)
  if (event.type === "scheduled" || event.type === "rescheduled" || event.type === "redriven") {
    tell(event.message, toldOfPlan)
  }
  if (traceId !== undefined) detail.traceId = traceId
  return detail
}

/** An event with its row as it is put into the table. */
export interface Prepared extends Recorded {
  readonly eventId: string
  readonly line: string
}

export const prepare = (recorded: Recorded): Prepared => {
  const row = timelineRow(recorded)
  return { ...recorded, eventId: row.eventId, line: timeline.line(row) }
}

/** Those that come from the log are prepared when they come. */
export const prepared = (recorded: Recorded): Prepared =>
  "line" in recorded ? (recorded as Prepared) : prepare(recorded)
