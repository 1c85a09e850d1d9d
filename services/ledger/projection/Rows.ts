// The rows of the projection as the ledger computes with them. Keys are the columns in camelCase; null is not known.
import type { EventType, Message } from "#shared/contract/Events.ts"
import type {
  Content,
  ErrorCategory,
  Instant,
  Metadata,
  Platform,
  Priority,
  Recipient,
  Sender,
  UnknownOutcome
} from "#shared/contract/fields/Fields.ts"

/**
 * How far a message has come. A status never moves to a lower rank; of the same rank the first one stays. That the platform
 * has it outweighs what others made of it while nobody knew.
 */
const rank = {
  rejected: 0,
  pending: 1,
  processing: 2,
  unknown: 3,
  failed: 4,
  expired: 4,
  cancelled: 4,
  sent: 5,
  delivered: 6,
  read: 7
} as const
export type Status = keyof typeof rank
export const statuses = Object.keys(rank) as ReadonlyArray<Status>

export const further = (current: Status, next: Status): Status => (rank[next] > rank[current] ? next : current)
/** Nothing more is tried by itself. */
export const settled = (status: Status): boolean => rank[status] >= rank.unknown
/** Nothing comes of it any more: that, or it was refused. */
export const ended = (status: Status): boolean => settled(status) || status === "rejected"
/** The platform has it. */
export const arrived = (status: Status): boolean => rank[status] >= rank.sent
export const final = (status: Status): boolean => rank[status] >= rank.failed

export interface MessageRow {
  readonly id: string
  /** The channel it is on, and the sender there. */
  readonly platform: Platform | null
  readonly sender: Sender | null
  readonly kind: string | null
  /** Of which series it is an occurrence. */
  readonly seriesId: string | null
  readonly status: Status
  readonly dueAt: Instant | null
  readonly expiresAt: Instant | null
  readonly sentAt: Instant | null
  readonly attempts: number
  readonly lastAttemptAt: Instant | null
  readonly nextAttemptAt: Instant | null
  readonly priority: Priority | null
  readonly unknownOutcome: UnknownOutcome | null
  readonly possibleDuplicate: boolean
  readonly possiblyArrived: boolean
  /** Parts that a platform accepted: what it may charge for. */
  readonly costUnits: number
  readonly errorCategory: ErrorCategory | null
  readonly errorDetail: string | null
  readonly metadata: Metadata
  /** The attempt from which an operator had it sent after all; 0 if never. */
  readonly redrivenAt: number
  readonly acceptedAt: Instant | null
  readonly plannedAt: Instant | null
  /** Since when its recipient and content are gone. */
  readonly erasedAt: Instant | null
  readonly recordedAt: Instant
  readonly updatedAt: Instant
}

export interface ContentRow {
  readonly messageId: string
  readonly recipient: Recipient
  readonly content: Content
  /** What else of the message only a send needs. */
  readonly rest: Rest
}

/** The fields of a message that are neither columns of its row nor its address and content. */
export type Rest = Omit<Message, Exclude<keyof MessageRow, "attempts" | "status"> | "recipient" | "content">

export interface AttemptRow {
  readonly messageId: string
  readonly attempt: number
  readonly platform: Platform | null
  readonly sender: Sender | null
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly outcome: "sent" | "failed" | "unknown" | null
  readonly category: ErrorCategory | null
  readonly reason: string | null
  readonly providerMessageId: string | null
  readonly possibleDuplicate: boolean
}

export interface TimelineRow {
  readonly eventId: string
  /** Empty for an event about no message. */
  readonly messageId: string
  readonly type: EventType
  readonly attempt: number | null
  readonly at: Instant
  readonly storedAt: Instant
  readonly sequence: number
  readonly detail: Readonly<Record<string, unknown>>
}
