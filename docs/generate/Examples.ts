// One example of everything that travels: shown by the reference, and held against the schemas by its tests.
import { Result } from "effect"
import type { CommandName, commands } from "#shared/contract/Commands.ts"
import type { Attempt, Event, EventOf, EventType } from "#shared/contract/Events.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { toMessage } from "#shared/contract/Submission.ts"
import { type WebhookPost, webhookPost } from "#shared/contract/WebhookPost.ts"

const id = "appt-4711-reminder-1"
const platform = "telegram"
const series = "medicine-4711"
const cause = "command-17-1795510800000"
const accepted = "2026-11-24T08:00:00.000Z"

export const commandExamples = {
  schedule: {
    id,
    platform,
    recipient: { chatId: "123456789" },
    content: { type: "text", text: "You have an appointment tomorrow at 10:00." },
    dueAt: "2026-12-01T09:00:00Z"
  },
  cancel: { id, reason: "the appointment was called off" },
  reschedule: { id, dueAt: "2026-12-02T10:00:00", timeZone: "Europe/Berlin" },
  pause: { platform, reason: "the clinic's network was down" },
  resume: { platform, perSecond: 5 },
  drop: { platform, laterThanSeconds: 3_600 },
  redrive: { id },
  discard: { id, reason: "told by phone" },
  resolve: { id, as: "sent", reason: "the patient says that it came" },
  rearm: { id },
  "create-link": { contact: "p-7f3a9c", platform, expiresInSeconds: 86_400 },
  "remove-link": { contact: "p-7f3a9c", platform, reason: "moved to another hospital" },
  "schedule-series": {
    id: series,
    recurrence: { cron: "0 9 * * *" },
    timeZone: "Europe/Berlin",
    end: "2027-02-28T23:59:59",
    platform,
    recipient: { chatId: "123456789" },
    content: { type: "text", text: "Please take your medicine." },
    kind: "medication",
    maxLatenessSeconds: 7_200
  },
  "change-series": { id: series, recurrence: { cron: "0 8,20 * * *" }, end: null, reason: "twice a day from now on" },
  "pause-series": { id: series, reason: "in hospital" },
  "resume-series": { id: series },
  "skip-occurrence": { id: series, occurrence: "2026-12-24T09:00:00" },
  "cancel-series": { id: series, reason: "recovered" }
} as const satisfies { readonly [Name in CommandName]: (typeof commands)[Name]["Type"] }

const message = Result.getOrThrow(
  toMessage(commandExamples.schedule, {
    now: Date.parse(accepted),
    maxLateness: () => 3_600_000,
    settled: (message) => message,
    unsendable: () => []
  })
)
const { dueAt, expiresAt } = message
const problems = [
  { path: "recipient.chatId", problem: "is required" },
  { path: "colour", problem: "is not a field of this command" }
]

export const replyExamples = {
  accepted: { status: "accepted", id, dueAt, expiresAt, duplicate: false },
  rescheduled: {
    status: "rescheduled",
    id,
    dueAt: "2026-12-02T09:00:00.000Z",
    expiresAt: "2026-12-02T10:00:00.000Z"
  },
  cancelled: { status: "cancelled", id },
  ordered: { status: "ordered", platform, orders: { paused: false, perSecond: 5 } },
  redriven: { status: "redriven", id, dueAt: "2026-12-01T11:00:00.000Z", expiresAt: "2026-12-01T12:00:00.000Z" },
  discarded: { status: "discarded", id },
  resolved: { status: "resolved", id, as: "sent" },
  rearmed: { status: "rearmed", id, what: "armed" },
  "link-created": {
    status: "link-created",
    contact: commandExamples["create-link"].contact,
    platform,
    sender: "default",
    token: "dGhpcyBpcyBvbmx5IGFuIGV4YW1wbGUgb2YgYSB0b2s",
    url: "https://t.me/clinic_bot?start=dGhpcyBpcyBvbmx5IGFuIGV4YW1wbGUgb2YgYSB0b2s",
    expiresAt: "2026-11-25T08:00:00.000Z"
  },
  "link-removed": {
    status: "link-removed",
    contact: commandExamples["remove-link"].contact,
    platform,
    sender: "default"
  },
  series: {
    status: "series",
    id: series,
    series: "active",
    revision: 1,
    duplicate: false,
    next: { occurrence: "2026-11-25T09:00:00", dueAt: "2026-11-25T08:00:00.000Z" }
  },
  rejected: { status: "rejected", id, problems }
} as const satisfies { readonly [Status in Reply["status"]]: Extract<Reply, { readonly status: Status }> }

const first: Attempt = { message, attempt: 1, failures: 0, sendAt: dueAt, possibleDuplicate: false }
const about = { id, platform, attempt: 1 } as const
const person = { platform, sender: message.sender, recipient: message.recipient } as const
const { contact } = commandExamples["create-link"]
const inbound = { at: "2026-12-01T09:03:20.000Z", ...person, contacts: [contact], cause: "update-91820457" }

export const postExample: WebhookPost = webhookPost(first)

const eventExampleOf: { readonly [Type in EventType]: Omit<EventOf<Type>, "type"> } = {
  scheduled: { at: accepted, message, cause },
  rescheduled: {
    at: "2026-11-25T10:00:00.000Z",
    message: { ...message, dueAt: replyExamples.rescheduled.dueAt, expiresAt: replyExamples.rescheduled.expiresAt },
    previousDueAt: dueAt,
    cause
  },
  rejected: { at: accepted, command: "schedule", id, platform, problems, cause },
  cancelled: { at: "2026-11-25T10:00:00.000Z", id, platform, dueAt, reason: commandExamples.cancel.reason },
  dispatched: { at: "2026-12-01T08:59:58.120Z", ...first },
  expired: { at: "2026-12-01T10:20:00.000Z", ...about, expiresAt },
  "send-started": {
    at: "2026-12-01T09:00:00.001Z",
    ...about,
    sender: message.sender,
    recipient: message.recipient,
    possibleDuplicate: false
  },
  "fell-back": {
    at: "2026-12-01T09:00:01.000Z",
    ...first,
    message: { ...message, recipient: { chatId: "987654321" }, fallback: [] },
    attempt: 2,
    sendAt: "2026-12-01T09:00:01.000Z",
    from: { platform, sender: message.sender },
    category: "recipient",
    reason: "bot-blocked"
  },
  redriven: {
    at: "2026-12-01T11:00:00.000Z",
    ...first,
    message: { ...message, dueAt: replyExamples.redriven.dueAt, expiresAt: replyExamples.redriven.expiresAt },
    attempt: 2,
    sendAt: replyExamples.redriven.dueAt,
    cause
  },
  discarded: { at: "2026-12-01T11:00:00.000Z", id, platform, cause, reason: commandExamples.discard.reason },
  resolved: { at: "2026-12-01T11:00:00.000Z", ...about, as: "sent", cause, reason: commandExamples.resolve.reason },
  overdue: { at: "2026-12-01T09:02:00.000Z", id, platform, rule: "past-due", since: dueAt },
  "orders-changed": { at: "2026-12-01T11:00:00.000Z", platform, orders: replyExamples.ordered.orders, cause },
  "circuit-changed": {
    at: "2026-12-01T09:00:00.093Z",
    platform,
    sender: message.sender,
    state: "open",
    reason: "unauthorized"
  },
  "series-changed": {
    at: accepted,
    series,
    platform,
    revision: 1,
    change: "skipped",
    occurrence: commandExamples["skip-occurrence"].occurrence,
    cause
  },
  "occurrences-missed": {
    at: "2026-12-01T09:00:00.001Z",
    series,
    platform,
    revision: 1,
    count: 40,
    from: "2026-11-29T20:00:00",
    to: "2026-12-01T08:00:00"
  },
  "part-sent": {
    at: "2026-12-01T09:00:00.093Z",
    ...about,
    part: 1,
    sentAt: "2026-12-01T09:00:00.092Z",
    providerMessageId: "8122"
  },
  sent: {
    at: "2026-12-01T09:00:00.093Z",
    ...about,
    sender: message.sender,
    dueAt,
    sentAt: "2026-12-01T09:00:00.092Z",
    providerMessageId: "8123",
    possibleDuplicate: false
  },
  "attempt-failed": {
    at: "2026-12-01T09:00:00.093Z",
    ...first,
    category: "transient",
    reason: "connection-refused"
  },
  "retry-scheduled": {
    at: "2026-12-01T09:00:00.101Z",
    ...first,
    attempt: 2,
    failures: 1,
    sendAt: "2026-12-01T09:00:04.310Z",
    category: "transient",
    reason: "connection-refused"
  },
  erased: { at: "2026-12-20T10:00:00.000Z", id, platform, cause: "erase-0199a5f2", reason: "asked by letter" },
  failed: { at: "2026-12-01T09:00:00.101Z", ...about, category: "recipient", reason: "bot-blocked" },
  unknown: { at: "2026-12-01T09:00:30.002Z", ...about, reason: "interrupted" },
  "recipient-linked": { at: "2026-11-24T10:12:05.000Z", ...person, contact, cause: "update-91820455" },
  "recipient-unlinked": { at: "2026-12-20T10:00:00.000Z", platform, sender: message.sender, contact, cause },
  "recipient-blocked": inbound,
  "recipient-unblocked": inbound,
  "reply-received": { ...inbound, reply: "will-come", id, providerMessageId: "8123" },
  "opted-out": inbound,
  "opted-in": inbound
}

export const eventExample = (type: EventType): Event => ({ type, ...eventExampleOf[type] }) as Event
