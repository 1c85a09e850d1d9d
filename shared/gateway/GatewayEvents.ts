// What a gateway has to say of an attempt: begun, expired, sent, failed. Pure.
import type { Attempt, EventOf } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import { errorCategory, Outcome, reasonOf } from "./Outcome.ts"

/** An intent without an outcome: the gateway was killed in between. */
export const interrupted = Outcome.Unknown({ reason: "interrupted" })

const about = ({ message, attempt }: Attempt) => ({ id: message.id, platform: message.platform, attempt })

export const startedEvent = (attempt: Attempt, now: number): EventOf<"send-started"> => ({
  type: "send-started",
  at: fromMillis(now),
  ...about(attempt),
  possibleDuplicate: attempt.possibleDuplicate
})

export const expiredEvent = (attempt: Attempt, now: number): EventOf<"expired"> => ({
  type: "expired",
  at: fromMillis(now),
  ...about(attempt),
  expiresAt: attempt.message.expiresAt
})

export const outcomeEvent = (
  attempt: Attempt,
  outcome: Outcome,
  now: number
): EventOf<"sent"> | EventOf<"attempt-failed"> => {
  const at = fromMillis(now)
  if (outcome._tag === "Accepted") {
    return {
      type: "sent",
      at,
      ...about(attempt),
      dueAt: attempt.message.dueAt,
      sentAt: at,
      providerMessageId: outcome.providerMessageId,
      possibleDuplicate: attempt.possibleDuplicate
    }
  }
  return {
    type: "attempt-failed",
    at,
    message: attempt.message,
    attempt: attempt.attempt,
    failures: attempt.failures,
    sendAt: attempt.sendAt,
    possibleDuplicate: attempt.possibleDuplicate,
    category: errorCategory(outcome),
    reason: reasonOf(outcome),
    ...(outcome._tag === "Throttled" ? { retryAfterMillis: outcome.retryAfterMs } : {})
  }
}
