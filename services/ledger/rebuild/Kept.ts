// The attempt that a message is at, from the ledger's rows alone: for when the log no longer holds the message. Pure.
import type { Attempt, EventType, Message } from "#shared/contract/Events.ts"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import { defaultSender } from "#shared/contract/fields/Fields.ts"
import type { ContentRow, MessageRow, TimelineRow } from "../projection/Rows.ts"

const carrying: ReadonlySet<EventType> = new Set<EventType>(["dispatched", "retry-scheduled", "redriven"])

/**
 * Nothing where the rows do not hold enough: the text was erased, or the message is on a further channel, whose address
 * they do not have. The timeline is oldest first.
 */
export const kept = (
  row: MessageRow,
  contents: ContentRow | undefined,
  timeline: ReadonlyArray<TimelineRow>
): Attempt | undefined => {
  const { id, platform, dueAt, expiresAt, priority, unknownOutcome, metadata } = row
  if (!contents || !platform || !dueAt || !expiresAt || !priority || !unknownOutcome) return undefined
  if (timeline.some(({ type }) => type === "fell-back")) return undefined
  const message = {
    id,
    platform,
    sender: row.sender ?? defaultSender,
    recipient: contents.recipient,
    content: contents.content,
    ...(row.kind === null ? {} : { kind: row.kind }),
    dueAt,
    expiresAt,
    priority,
    unknownOutcome,
    metadata,
    ...contents.rest
  } as Message
  const last = timeline.findLast(({ type }) => carrying.has(type))
  const detail = (last?.detail ?? {}) as {
    readonly sendAt?: Instant
    readonly failures?: number
    readonly possibleDuplicate?: boolean
    readonly partsSent?: number
  }
  const replanned = timeline.findLast(({ type }) => type === "rescheduled")
  const later = replanned !== undefined && replanned.sequence > (last?.sequence ?? 0)
  return {
    message,
    attempt: last?.attempt ?? 1,
    failures: detail.failures ?? 0,
    sendAt: later ? dueAt : (detail.sendAt ?? dueAt),
    possibleDuplicate: detail.possibleDuplicate ?? false,
    ...(detail.partsSent === undefined ? {} : { partsSent: detail.partsSent })
  }
}
