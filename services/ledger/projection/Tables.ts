// The tables of the projection, column by column.
import { rollupTables } from "./RollupTables.ts"
import type { AttemptRow, ContentRow, MessageRow, TimelineRow } from "./Rows.ts"
import { table } from "./Table.ts"

export const messages = table<MessageRow>("scheduled_messages", ["id"], {
  id: "text",
  platform: "text",
  sender: "text",
  kind: "text",
  seriesId: "text",
  status: "text",
  dueAt: "timestamptz",
  expiresAt: "timestamptz",
  sentAt: "timestamptz",
  attempts: "integer",
  lastAttemptAt: "timestamptz",
  nextAttemptAt: "timestamptz",
  priority: "text",
  unknownOutcome: "text",
  possibleDuplicate: "boolean",
  possiblyArrived: "boolean",
  costUnits: "integer",
  errorCategory: "text",
  errorDetail: "text",
  metadata: "jsonb",
  redrivenAt: "integer",
  acceptedAt: "timestamptz",
  plannedAt: "timestamptz",
  erasedAt: "timestamptz",
  recordedAt: "timestamptz",
  updatedAt: "timestamptz"
})

export const contents = table<ContentRow>("message_contents", ["messageId"], {
  messageId: "text",
  recipient: "jsonb",
  content: "jsonb",
  rest: "jsonb"
})

export const attempts = table<AttemptRow>("message_delivery_attempts", ["messageId", "attempt"], {
  messageId: "text",
  attempt: "integer",
  platform: "text",
  sender: "text",
  startedAt: "timestamptz",
  endedAt: "timestamptz",
  outcome: "text",
  category: "text",
  reason: "text",
  providerMessageId: "text",
  possibleDuplicate: "boolean"
})

export const timeline = table<TimelineRow>("message_events", ["messageId", "eventId"], {
  eventId: "text",
  messageId: "text",
  type: "text",
  attempt: "integer",
  at: "timestamptz",
  storedAt: "timestamptz",
  sequence: "bigint",
  detail: "jsonb"
})

export const tables = [...[messages, contents, attempts, timeline].map(({ name }) => name), ...rollupTables]
