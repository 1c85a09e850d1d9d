// The rules of the dispatcher: what is due goes on its way or is expired; what failed is tried again or given up.
// Pure: the time comes in, and the jitter follows from the message, so that deciding twice decides the same.
import { createHash } from "node:crypto"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { lastInstant } from "#shared/contract/Deadline.ts"
import { inDoubt, mayHaveArrived, mayHaveArrivedInPart, possiblyArrived } from "#shared/contract/Doubt.ts"
import type { Attempt, Event, EventOf } from "#shared/contract/Events.ts"
import { defaultSender, type Recipient, type RetryTiers } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"

export interface RetryPolicy {
  /** Used by messages without tiers of their own. */
  readonly tiers: RetryTiers
  /** How long to wait while a sender cannot send at all; uses up no attempt. Milliseconds. */
  readonly senderWait: number
}

export const onDue = (due: Attempt, now: number): Event => {
  const { message, attempt } = due
  const late = Math.max(now, toMillis(due.sendAt)) > lastInstant(message, due.partsSent)
  return late ? expired(due, now) : { type: "dispatched", at: fromMillis(now), ...due, attempt }
}

export const onFailure = (failed: EventOf<"attempt-failed">, policy: RetryPolicy, now: number): Event => {
  const { message, attempt, category, reason } = failed
  const failures = failed.failures + 1
  switch (category) {
    case "throttled":
      return throttled(failed, now)
    case "sender":
      return retryWithin(failed, failed.failures, now, policy.senderWait)
    case "recipient":
      return failed.movedTo && !failed.moved ? follow(failed, failed.movedTo, now) : giveUp(failed, now)
    case "content":
      return giveUp(failed, now)
    case "unknown":
      if (message.unknownOutcome === "hold")
        return { type: "unknown", at: fromMillis(now), id: message.id, platform: message.platform, attempt, reason }
  }
  const wait = backoff(message.id, attempt, failures, message.retry ?? policy.tiers)
  return wait === undefined ? giveUp(failed, now) : retryWithin(failed, failures, now, wait)
}

const waitsAsTold = 4
const longestGrown = 3_600_000

/**
 * As told, and for longer from some refusals on: who answers every try with a second's wait would be asked every second until
 * the deadline, which may be never. But no longer than half of what is left until then, so that it is tried near its end too.
 */
const throttled = (failed: EventOf<"attempt-failed">, now: number): Event => {
  const told = failed.retryAfterMillis ?? 1_000
  // What waits for its turn by our own count of the limits is told when that comes.
  if (failed.reason !== "throttled") return retry(failed, failed.failures, now, told)
  const waits = (failed.waits ?? 0) + 1
  const left = leftOf(failed, now)
  const grown = waits <= waitsAsTold ? 0 : Math.min(1_000 * 2 ** (waits - waitsAsTold), longestGrown, left / 2)
  return retry({ ...failed, waits }, failed.failures, now, Math.max(told, grown))
}

/** To the recipient's new address: once, and it uses up no attempt, for nothing was wrong with the message. */
const follow = (failed: EventOf<"attempt-failed">, recipient: Recipient, now: number): Event =>
  retry({ ...failed, message: { ...failed.message, recipient }, moved: true }, failed.failures, now, 0)

/** The next channel, if there is one. */
const giveUp = (failed: EventOf<"attempt-failed">, now: number): Event => {
  const { attempt, category, message, reason } = failed
  const at = fromMillis(now)
  const { platform, sender, fallback: [next, ...further] = [], ...rest } = message
  if (!next)
    return { type: "failed", at, id: message.id, platform, attempt, category, reason, ...possiblyArrived(failed) }
  return {
    type: "fell-back",
    at,
    message: {
      ...rest,
      platform: next.platform,
      sender: next.sender ?? defaultSender,
      recipient: next.recipient,
      content: next.content ?? message.content,
      fallback: further
    },
    attempt: attempt + 1,
    failures: 0,
    // What is given up ahead of its time is not early on the next channel either. Instants sort as text.
    sendAt: failed.sendAt > at ? failed.sendAt : at,
    possibleDuplicate: mayHaveArrivedInPart(failed),
    ...inDoubt(failed),
    from: { platform, sender },
    category,
    reason
  }
}

/** What is kept of a message that ended badly, for an operator to decide. */
export const deadLetter = (failed: EventOf<"attempt-failed">, decided: Event): DeadLetter | undefined => {
  if (decided.type !== "failed" && decided.type !== "unknown") return undefined
  const { type: _, retryAfterMillis: __, movedTo: ___, ...attempt } = failed
  return { ...attempt, state: decided.type, at: decided.at }
}

/** Nearer to its deadline a message is not tried again for the deadline's sake. */
const shortestCutMillis = 1_000

/**
 * After a wait of our own choice, and so for half of what is left at most: a deadline ends no message whose time is not over,
 * however long the next wait of its tier would be.
 */
const retryWithin = (failed: EventOf<"attempt-failed">, failures: number, now: number, wait: number): Event => {
  const half = leftOf(failed, now) / 2
  const longest = hasChannel(failed, now) ? wait : Math.ceil(Math.max(half, shortestCutMillis))
  return retry(failed, failures, now, Math.min(wait, longest))
}

/** Of the time in which the message may be sent. */
const leftOf = ({ message, partsSent }: Attempt, now: number) => lastInstant(message, partsSent) - now

/** Whether it may go on another one, where it would begin anew. */
const hasChannel = ({ message }: Attempt, now: number) =>
  message.fallback !== undefined && message.fallback.length > 0 && now < lastInstant(message)

/** Of what nothing is wrong with: it only waits its turn, which will come. */
const inTurn: ReadonlySet<string> = new Set(["waits-for-its-turn", "linked-anew", "paused", "file-id-forgotten"])

/** A message goes on its next channel while that has half of the time that is left, and not when this one has had it all. */
const retry = (failed: EventOf<"attempt-failed">, failures: number, now: number, wait: number): Event => {
  const { message, attempt, category, reason } = failed
  const left = leftOf(failed, now)
  if (hasChannel(failed, now) && wait > (inTurn.has(reason) ? left : left / 2)) return giveUp(failed, now)
  if (wait > left) return expired(failed, now)
  return {
    type: "retry-scheduled",
    at: fromMillis(now),
    message,
    attempt: attempt + 1,
    failures,
    sendAt: fromMillis(now + wait),
    possibleDuplicate: mayHaveArrived(failed),
    ...inDoubt(failed),
    ...(failed.partsSent === undefined ? {} : { partsSent: failed.partsSent }),
    ...(failed.waits === undefined ? {} : { waits: failed.waits }),
    ...(failed.moved ? { moved: true } : {}),
    category,
    reason
  }
}

const expired = (last: Attempt | EventOf<"attempt-failed">, now: number): Event => ({
  type: "expired",
  at: fromMillis(now),
  id: last.message.id,
  platform: last.message.platform,
  attempt: last.attempt,
  expiresAt: last.message.expiresAt,
  ...possiblyArrived(last)
})

/**
 * How long to wait after so many failures, in milliseconds; nothing when all tries are used up. Each tier doubles its wait
 * from its first, with full jitter: a crowd that failed together does not come back together.
 */
export const backoff = (id: string, attempt: number, failures: number, tiers: RetryTiers): number | undefined => {
  let before = 0
  for (const { attempts, seconds } of tiers) {
    const within = failures - before
    if (within <= attempts) return Math.ceil(seconds * 1_000 * 2 ** (within - 1) * fraction(`${id}.${attempt}`))
    before += attempts
  }
  return undefined
}

const fraction = (seed: string): number => createHash("sha256").update(seed).digest().readUInt32BE() / 2 ** 32
