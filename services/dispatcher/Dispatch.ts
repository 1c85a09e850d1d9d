// The rules of the dispatcher: what is due goes on its way or is expired; what failed is tried again or given up.
// Pure: the time comes in, and the jitter follows from the message, so that deciding twice decides the same.
import { createHash } from "node:crypto"
import type { Attempt, Event, EventOf } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"

export interface RetryPolicy {
  /** Tries that may fail before a message is given up. */
  readonly maxAttempts: number
  /** The longest first wait; each further one is four times as long, up to the longest. Milliseconds. */
  readonly firstWait: number
  readonly longestWait: number
  /** How long to wait while a sender cannot send at all; uses up no attempt. Milliseconds. */
  readonly senderWait: number
}

export const onDue = (due: Attempt, now: number): Event => {
  const { message, attempt } = due
  const late = Math.max(now, toMillis(due.sendAt)) > toMillis(message.expiresAt)
  return late ? expired(due, now) : { type: "dispatched", at: fromMillis(now), ...due, attempt }
}

export const onFailure = (failed: EventOf<"attempt-failed">, policy: RetryPolicy, now: number): Event => {
  const { message, attempt, category, reason } = failed
  const about = { id: message.id, platform: message.platform, attempt, reason }
  const failures = failed.failures + 1
  switch (category) {
    case "throttled":
      return retry(failed, failed.failures, now, failed.retryAfterMillis ?? policy.firstWait)
    case "sender":
      return retry(failed, failed.failures, now, policy.senderWait)
    case "recipient":
    case "content":
      return { type: "failed", at: fromMillis(now), ...about, category }
    case "unknown":
      if (message.unknownOutcome === "hold") return { type: "unknown", at: fromMillis(now), ...about }
  }
  return failures >= policy.maxAttempts
    ? { type: "failed", at: fromMillis(now), ...about, category }
    : retry(failed, failures, now, backoff(message.id, attempt, failures, policy))
}

const retry = (failed: EventOf<"attempt-failed">, failures: number, now: number, wait: number): Event => {
  const { message, attempt, category, reason } = failed
  const sendAt = now + wait
  if (sendAt > toMillis(message.expiresAt)) return expired(failed, now)
  return {
    type: "retry-scheduled",
    at: fromMillis(now),
    message,
    attempt: attempt + 1,
    failures,
    sendAt: fromMillis(sendAt),
    possibleDuplicate: failed.possibleDuplicate || category === "unknown",
    ...(failed.partsSent === undefined ? {} : { partsSent: failed.partsSent }),
    ...(failed.moved ? { moved: true } : {}),
    category,
    reason
  }
}

const expired = ({ message, attempt }: Attempt, now: number): Event => ({
  type: "expired",
  at: fromMillis(now),
  id: message.id,
  platform: message.platform,
  attempt,
  expiresAt: message.expiresAt
})

/** Exponential with full jitter, in milliseconds. */
export const backoff = (id: string, attempt: number, failures: number, policy: RetryPolicy): number =>
  Math.ceil(Math.min(policy.longestWait, policy.firstWait * 4 ** (failures - 1)) * fraction(`${id}.${attempt}`))

const fraction = (seed: string): number => createHash("sha256").update(seed).digest().readUInt32BE() / 2 ** 32
