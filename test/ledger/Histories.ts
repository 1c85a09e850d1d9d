// Messages as they live: what the log says of one that is sent, tried again, given up, moved, cancelled, refused.
import fc from "fast-check"
import type { Attempt, Event, inboundTypes, Message } from "#shared/contract/Events.ts"
import type { WatchdogRule } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"

/** In every recipient and content of these messages, and nowhere else. */
export const mark = "987650001"

const start = Date.UTC(2026, 10, 1, 9)
const at = (seconds: number) => fromMillis(start + seconds * 1_000)

export const messageOf = (id: string, dueAt = at(60)): Message => ({
  id,
  platform: "telegram",
  sender: "default",
  recipient: { chatId: mark },
  content: { type: "text", text: `secret-${mark} for ${id}` },
  dueAt,
  expiresAt: at(3_600),
  priority: "normal",
  unknownOutcome: "resend",
  metadata: { clinic: "north" }
})

const attemptOf = (id: string, attempt: number): Attempt => ({
  message: messageOf(id),
  attempt,
  failures: attempt - 1,
  sendAt: at(60 * attempt),
  possibleDuplicate: attempt > 2
})
const about = (id: string, attempt: number) => ({ id, platform: "telegram" as const, attempt })

export const scheduled = (id: string): Event => ({
  type: "scheduled",
  at: at(0),
  message: messageOf(id),
  cause: "command-1-1"
})
export const rescheduled = (id: string, seconds: number): Event => ({
  type: "rescheduled",
  at: at(seconds),
  message: messageOf(id, at(seconds + 500)),
  previousDueAt: at(60),
  cause: `command-${seconds}-1`,
  reason: "asked by phone"
})
export const dispatched = (id: string, attempt = 1): Event => ({
  type: "dispatched",
  at: at(60 * attempt - 2),
  ...attemptOf(id, attempt)
})
export const started = (id: string, attempt = 1): Event => ({
  type: "send-started",
  at: at(60 * attempt),
  ...about(id, attempt),
  sender: "default",
  recipient: { chatId: mark },
  possibleDuplicate: attempt > 2
})
/** The intent of one part of a text. */
export const startedPart = (id: string, part: number, attempt = 1) => ({ ...started(id, attempt), part }) as Event
export const sent = (id: string, attempt = 1): Event => ({
  type: "sent",
  at: at(60 * attempt + 1),
  ...about(id, attempt),
  sender: "default",
  dueAt: at(60),
  sentAt: at(60 * attempt + 1),
  providerMessageId: `provider-${attempt}`,
  possibleDuplicate: attempt > 2
})
export const attemptFailed = (id: string, attempt = 1, category: "transient" | "unknown" = "transient"): Event => ({
  type: "attempt-failed",
  at: at(60 * attempt + 1),
  ...attemptOf(id, attempt),
  category,
  reason: `code-${attempt}`
})
export const retryScheduled = (id: string, attempt = 2): Event => ({
  type: "retry-scheduled",
  at: at(60 * (attempt - 1) + 2),
  ...attemptOf(id, attempt),
  category: "transient",
  reason: `code-${attempt - 1}`
})
export const partSent = (id: string, attempt = 1): Event => ({
  type: "part-sent",
  at: at(60 * attempt),
  ...about(id, attempt),
  part: 1,
  sentAt: at(60 * attempt),
  providerMessageId: "77"
})
export const circuitOpened = (sender: string): Event => ({
  type: "circuit-changed",
  at: at(70),
  platform: "telegram",
  sender,
  state: "open",
  reason: "unauthorized"
})
const next = (id: string, attempt: number) => ({ ...attemptOf(id, attempt), failures: 0, at: at(60 * attempt - 10) })
export const fellBack = (id: string, attempt: number): Event => ({
  type: "fell-back",
  ...next(id, attempt),
  message: { ...messageOf(id), sender: "second" },
  from: { platform: "telegram", sender: "default" },
  category: "recipient",
  reason: "bot-blocked"
})
export const redriven = (id: string, attempt: number): Event => ({
  type: "redriven",
  ...next(id, attempt),
  message: messageOf(id, at(60 * attempt)),
  cause: `redrive-${id}`
})
export const discarded = (id: string): Event => ({
  type: "discarded",
  at: at(900),
  id,
  platform: "telegram",
  cause: `discard-${id}`
})
export const resolved = (id: string, as: "sent" | "failed", attempt = 1): Event => ({
  type: "resolved",
  at: at(900),
  ...about(id, attempt),
  as,
  cause: `resolve-${id}`
})
export const ordersChanged = (cause: string): Event => ({
  type: "orders-changed",
  at: at(65),
  platform: "telegram",
  orders: { paused: true },
  cause
})
export const overdue = (id: string, rule: WatchdogRule = "past-due", seconds = 120): Event => ({
  type: "overdue",
  at: at(seconds),
  id,
  platform: "telegram",
  rule,
  since: at(60)
})
export const erased = (id: string): Event => ({
  type: "erased",
  at: at(10_000),
  id,
  platform: "telegram",
  cause: `erase-${id}`
})
export const seriesChanged = (series: string): Event => ({
  type: "series-changed",
  at: at(1),
  series,
  platform: "telegram",
  revision: 1,
  change: "scheduled",
  cause: `series-${series}`
})
export const occurrencesMissed = (series: string): Event => ({
  type: "occurrences-missed",
  at: at(2),
  ...{ series, platform: "telegram", revision: 1, count: 12 },
  from: "2026-11-01T08:00:00",
  to: "2026-11-01T08:11:00"
})
/** The first occurrence of a series. */
export const occurrence = (id: string): Event => ({
  type: "scheduled",
  at: at(3),
  message: { ...messageOf(id), series: { id: `series-of-${id}`, occurrence: "2026-11-01T09:01:00" } },
  cause: `series.${id}`
})
export const failed = (id: string, attempt = 1): Event => ({
  type: "failed",
  at: at(60 * attempt + 3),
  ...about(id, attempt),
  category: "recipient",
  reason: "blocked"
})
export const held = (id: string, attempt = 1): Event => ({
  type: "unknown",
  at: at(60 * attempt + 3),
  ...about(id, attempt),
  reason: "interrupted"
})
export const expired = (id: string): Event => ({
  type: "expired",
  at: at(3_700),
  ...about(id, 1),
  expiresAt: at(3_600)
})
export const expiredInDoubt = (id: string): Event => ({ ...expired(id), possiblyArrived: true }) as Event
export const cancelled = (id: string): Event => ({
  type: "cancelled",
  at: at(30),
  id,
  platform: "telegram",
  dueAt: at(60),
  reason: "recovered"
})
export const refused = (id: string | undefined, command: "schedule" | "cancel" = "schedule", number = 7): Event => ({
  type: "rejected",
  at: at(5),
  command,
  ...(id === undefined ? {} : { id }),
  problems: [{ path: "dueAt", problem: "is in the past" }],
  cause: `${command}-${id}-${number}`
})

type Inbound = Exclude<(typeof inboundTypes)[number], "recipient-linked" | "reply-received">
const person = { platform: "telegram" as const, sender: "default" }
const fromPerson = (contact: string) => ({
  at: at(90),
  ...person,
  recipient: { chatId: mark },
  contacts: [contact],
  cause: `update-${contact}`
})
export const linked = (contact: string): Event => ({
  type: "recipient-linked",
  at: at(-60),
  ...person,
  recipient: { chatId: mark },
  contact,
  cause: `update-linked-${contact}`
})
export const unlinked = (contact: string): Event => ({
  type: "recipient-unlinked",
  at: at(1_000),
  ...person,
  contact,
  cause: `remove-${contact}`
})
export const heard = (contact: string, type: Inbound): Event => ({ type, ...fromPerson(contact) })
export const replied = (id: string, known = true): Event => ({
  type: "reply-received",
  ...fromPerson(id),
  reply: `secret-${mark}`,
  ...(known ? { id } : {}),
  providerMessageId: "78"
})

const once = (id: string, attempt = 1) => [dispatched(id, attempt), started(id, attempt)]
const again = (id: string, attempt: number) => [
  ...once(id, attempt),
  attemptFailed(id, attempt),
  retryScheduled(id, attempt + 1)
]

/** A text in parts: the second attempt goes on where the first was broken off. */
export const inParts = (id: string): ReadonlyArray<Event> => [
  scheduled(id),
  ...[dispatched(id), startedPart(id, 1), partSent(id), startedPart(id, 2), attemptFailed(id), retryScheduled(id)],
  ...[dispatched(id, 2), startedPart(id, 2, 2), sent(id, 2)]
]

/** Sent again by an operator, and in vain. */
export const givenUpTwice = (id: string): ReadonlyArray<Event> => [
  ...[scheduled(id), ...once(id), attemptFailed(id), failed(id)],
  ...[redriven(id, 2), ...once(id, 2), attemptFailed(id, 2), failed(id, 2)]
]

/** Its first gateway was replaced in the middle of it, and said when it was back that it had sent it too. */
export const sentTwice = (id: string): ReadonlyArray<Event> => [
  scheduled(id),
  ...once(id),
  attemptFailed(id, 1, "unknown"),
  retryScheduled(id),
  ...once(id, 2),
  { ...sent(id, 2), possibleDuplicate: true } as Event,
  sent(id)
]

export const lives: ReadonlyArray<(id: string) => ReadonlyArray<Event>> = [
  (id) => [scheduled(id)],
  (id) => [scheduled(id), ...once(id), partSent(id), sent(id)],
  (id) => [scheduled(id), ...again(id, 1), circuitOpened(id), ...once(id, 2), sent(id, 2)],
  (id) => [scheduled(id), ...again(id, 1), ...again(id, 2), rescheduled(id, 200)],
  (id) => [scheduled(id), ...again(id, 1), rescheduled(id, 100), { ...started(id, 2), at: at(600) } as Event],
  (id) => [scheduled(id), rescheduled(id, 10), rescheduled(id, 20), ...once(id), attemptFailed(id), failed(id)],
  (id) => [scheduled(id), ...once(id), attemptFailed(id, 1, "unknown"), held(id)],
  (id) => [scheduled(id), ...once(id), attemptFailed(id), failed(id), redriven(id, 2), ...once(id, 2), sent(id, 2)],
  (id) => [scheduled(id), ...once(id), attemptFailed(id), failed(id), discarded(id), ordersChanged(id)],
  (id) => [scheduled(id), ...once(id), attemptFailed(id, 1, "unknown"), held(id), resolved(id, "sent")],
  (id) => [scheduled(id), ...once(id), attemptFailed(id), fellBack(id, 2), ...once(id, 2), sent(id, 2)],
  (id) => [scheduled(id), cancelled(id), refused(id, "cancel")],
  (id) => [scheduled(id), expired(id)],
  (id) => [refused(id)],
  (id) => [refused(id), scheduled(id), refused(id, "schedule", 9)],
  (id) => [{ ...refused(undefined), cause: `schedule-nobody-${id}` } as Event, refused(id, "cancel")],
  (id) => [scheduled(id), ...once(id), attemptFailed(id), failed(id), erased(id)],
  (id) => [linked(id), scheduled(id), ...once(id), sent(id), replied(id), heard(id, "opted-out"), unlinked(id)],
  (id) => [replied(id), heard(id, "recipient-blocked"), heard(id, "recipient-unblocked"), heard(id, "opted-in")],
  (id) => [overdue(id, "no-row"), scheduled(id), overdue(id), ...once(id), sent(id), overdue(id, "timer-left", 4_000)],
  (id) => [seriesChanged(id), occurrencesMissed(id), occurrence(id), ...once(id), sent(id)],
  sentTwice,
  inParts,
  givenUpTwice,
  (id) => [scheduled(id), ...once(id), attemptFailed(id, 1, "unknown"), failed(id), sent(id)],
  (id) => [scheduled(id), ...once(id), attemptFailed(id, 1, "unknown"), expiredInDoubt(id)]
]

/** Every event of some messages, each of its own kind, one after the other as they might be appended. */
export const livesOf = (prefix: string, count: number): ReadonlyArray<Event> => {
  const all = Array.from({ length: count }, (_, index) =>
    (lives[index % lives.length] ?? (() => []))(`${prefix}-${index}`)
  )
  const longest = Math.max(...all.map((events) => events.length))
  return Array.from({ length: longest }, (_, step) => all.flatMap((events) => events[step] ?? [])).flat()
}

/** The events of a few messages in any order, some of them more than once. */
export const anyLog = fc
  .array(fc.nat(lives.length - 1), { minLength: 1, maxLength: 3 })
  .map((kinds) => kinds.flatMap((kind, index) => (lives[kind] ?? (() => []))(`m${index}`)))
  .chain((events) =>
    fc
      .tuple(fc.shuffledSubarray([...events], { minLength: 1 }), fc.array(fc.constantFrom(...events), { maxLength: 4 }))
      .map(([some, repeated]) => [...some, ...repeated])
  )
