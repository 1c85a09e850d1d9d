// What a gateway has to say of an attempt: begun, expired, sent, failed. Pure.
import { possiblyArrived } from "#shared/contract/Doubt.ts"
import type { Attempt, EventOf } from "#shared/contract/Events.ts"
import type { Recipient } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { errorCategory, type NotAccepted, Outcome, reasonOf } from "../Outcome.ts"

/** An intent without an outcome: the gateway was killed in between. */
export const interrupted = Outcome.Unknown({ reason: "interrupted" })

/** Nobody has opened a link of this contact. */
export const notLinked = Outcome.RejectedRecipient({ reason: "not-linked" })
/** More parts of it were sent than it has: which of them, and so what is left, nobody knows. */
export const noSuchPart = Outcome.RejectedContent({ reason: "bad-request" })
/** By an operator, after its intent was on its way. */
export const paused = Outcome.Postponed({ reason: "paused" })
export const optedOut = Outcome.RejectedRecipient({ reason: "opted-out" })

/** What an attempt ends in. */
export const endings = ["sent", "attempt-failed", "expired"] as const

const about = ({ message, attempt }: Attempt) => ({ id: message.id, platform: message.platform, attempt })

/** `part` counts from 1, of so many. */
export interface Part {
  readonly part: number
  readonly of: number
}

const numbered = ({ part, of }: Part) => (of > 1 ? { part } : {})

/** With the address itself, also of a contact. */
export const startedEvent = (attempt: Attempt, to: Recipient, part: Part, now: number): EventOf<"send-started"> => ({
  type: "send-started",
  at: fromMillis(now),
  ...about(attempt),
  ...numbered(part),
  sender: attempt.message.sender,
  recipient: to,
  possibleDuplicate: attempt.possibleDuplicate
})

/** `partsSent` of this and earlier attempts. */
export const expiredEvent = (attempt: Attempt, partsSent: number, now: number): EventOf<"expired"> => ({
  type: "expired",
  at: fromMillis(now),
  ...about(attempt),
  expiresAt: attempt.message.expiresAt,
  ...possiblyArrived({ ...attempt, partsSent })
})

/** The last part is the message. */
export const acceptedEvent = (
  attempt: Attempt,
  { part, of }: Part,
  providerMessageId: string,
  now: number
): EventOf<"sent"> | EventOf<"part-sent"> => {
  const at = fromMillis(now)
  const told = { at, ...about(attempt), sentAt: at, providerMessageId }
  if (part < of) return { type: "part-sent", ...told, part }
  const { sender, dueAt } = attempt.message
  return { type: "sent", ...told, sender, dueAt, possibleDuplicate: attempt.possibleDuplicate }
}

/** `partsSent` of this and earlier attempts. */
export const failedEvent = (
  attempt: Attempt,
  partsSent: number,
  outcome: NotAccepted,
  now: number
): EventOf<"attempt-failed"> => ({
  ...failure(attempt, partsSent, now),
  category: errorCategory(outcome),
  reason: reasonOf(outcome),
  ...(outcome._tag === "Throttled" ? { retryAfterMillis: outcome.retryAfterMs } : {}),
  ...(outcome._tag === "Postponed" ? { retryAfterMillis: 0 } : {}),
  ...(outcome._tag === "RejectedRecipient" && outcome.movedTo !== undefined ? { movedTo: outcome.movedTo } : {})
})

/** Not tried: too many wait for the same recipient, whose limit we keep. Comes again when it may be its turn. */
export const deferredEvent = (attempt: Attempt, partsSent: number, waitMillis: number, now: number) =>
  notTried(attempt, "waits-for-its-turn", partsSent, waitMillis, now)

/** Not tried: its platform lets nothing go for so long that another channel should have the message. */
export const heldEvent = (attempt: Attempt, partsSent: number, waitMillis: number, now: number) =>
  notTried(attempt, "held", partsSent, waitMillis, now)

/** Not tried: somebody wants to change it, who can change only what has a timer. Comes again, changed or as it was. */
export const givenBackEvent = (attempt: Attempt, partsSent: number, waitMillis: number, now: number) =>
  notTried(attempt, "asked-back", partsSent, waitMillis, now)

/** Not tried: its contact has another chat by now. Comes again, whole: what parts of it went before, that chat does not have. */
export const linkedAnewEvent = (attempt: Attempt, waitMillis: number, now: number) =>
  notTried(attempt, "linked-anew", 0, waitMillis, now)

const notTried = (
  attempt: Attempt,
  reason: string,
  partsSent: number,
  waitMillis: number,
  now: number
): EventOf<"attempt-failed"> => ({
  ...failure(attempt, partsSent, now),
  category: "throttled",
  reason,
  retryAfterMillis: Math.ceil(waitMillis)
})

const failure = (attempt: Attempt, partsSent: number, now: number) => ({
  type: "attempt-failed" as const,
  at: fromMillis(now),
  message: attempt.message,
  attempt: attempt.attempt,
  failures: attempt.failures,
  sendAt: attempt.sendAt,
  possibleDuplicate: attempt.possibleDuplicate,
  ...(attempt.interruptedSince === undefined ? {} : { interruptedSince: attempt.interruptedSince }),
  ...(partsSent > 0 ? { partsSent } : {}),
  ...(attempt.waits === undefined ? {} : { waits: attempt.waits }),
  ...(attempt.moved ? { moved: true } : {})
})
