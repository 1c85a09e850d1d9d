// The watchdog's rules: whether what should have happened to a message has happened, by its row, its newest step and what
// is known of the queues. What may still wait in a queue or in somebody's hands is not lost. Pure; times come in.
import type { EventType } from "#shared/contract/Events.ts"
import type { Instant, MessageId, WatchdogRule } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import type { Settled } from "#shared/nats/messages/Settled.ts"
import { ended, settled as isSettled, type MessageRow } from "../projection/Rows.ts"

export type Watched = Pick<
  MessageRow,
  "id" | "platform" | "sender" | "priority" | "status" | "dueAt" | "nextAttemptAt" | "updatedAt"
>

/** The newest event that moved the message on. */
export interface Step {
  readonly type: EventType
  readonly storedAt: Instant
}

export interface Facts {
  /** When the queues were looked at; the tables hold all that the log stored before. Milliseconds. */
  readonly now: number
  readonly graceMillis: number
  readonly settled: (durable: string) => Settled
}

export interface Finding {
  readonly id: MessageId
  readonly platform: MessageRow["platform"]
  readonly rule: WatchdogRule
  /** When it should have happened, or was seen last. */
  readonly since: Instant
}

/** Of these the work is asked for again; the others a person must look at. */
export const repairable: ReadonlySet<WatchdogRule> = new Set<WatchdogRule>([
  "past-due",
  "no-timer",
  "not-sent",
  "no-outcome",
  "undecided"
])

/** What moves a message on; the newest one tells who has it. */
export const steps = [
  ...["scheduled", "rescheduled", "retry-scheduled", "fell-back", "redriven"],
  ...["dispatched", "send-started", "part-sent", "attempt-failed"]
] as ReadonlyArray<EventType>

/** When a message that waits for its time is to go; nothing if it is on its way. */
export const waitsUntil = (row: Watched, step: Step): number | undefined => {
  const next = row.nextAttemptAt ?? row.dueAt
  return next !== null && steps.slice(0, 5).includes(step.type) ? toMillis(next) : undefined
}

/** Without a step the timeline lacks a piece, or a rebuild found only the timer: then the row alone tells. */
export const stepOf = (row: Watched, newest: Step | undefined): Step =>
  newest ?? {
    type: row.status === "pending" || row.nextAttemptAt !== null ? "scheduled" : "dispatched",
    storedAt: row.updatedAt
  }

export const judge = (row: Watched, step: Step, facts: Facts): Finding | undefined => {
  if (ended(row.status)) return undefined
  const storedAt = toMillis(step.storedAt)
  const found = (rule: WatchdogRule, since = storedAt): Finding => ({
    id: row.id,
    platform: row.platform,
    rule,
    since: fromMillis(since)
  })
  const longAgo = storedAt + facts.graceMillis < facts.now
  const next = waitsUntil(row, step)
  if (next !== undefined) {
    const due = next + facts.graceMillis < facts.now && longAgo
    return due && armed(storedAt, facts) && nothingDue(facts) ? found("past-due", next) : undefined
  }
  if (!longAgo) return undefined
  if (step.type === "attempt-failed")
    return facts.settled(consumers.dispatcherFailures.durable).before > storedAt ? found("undecided") : undefined
  const lane = laneOf(row, facts)
  if (!lane) return undefined
  if (step.type === "dispatched") {
    if (!lane.exists) return found("no-gateway")
    return lane.before > storedAt ? found("not-sent") : undefined
  }
  return lane.before > storedAt ? found("no-outcome") : undefined
}

/** Whether a timer must stand for the message: its time is not near, and whoever arms it has had its turn. */
export const needsTimer = (row: Watched, step: Step, facts: Facts): boolean => {
  const next = waitsUntil(row, step)
  const storedAt = toMillis(step.storedAt)
  return (
    !isSettled(row.status) &&
    next !== undefined &&
    next - facts.graceMillis > facts.now &&
    storedAt + facts.graceMillis < facts.now &&
    armed(storedAt, facts)
  )
}

/** Whoever had to arm a timer because of something stored then has done so. */
const armed = (storedAt: number, { settled }: Facts) =>
  [consumers.schedulerCommands, consumers.schedulerChanges, consumers.schedulerRetries].every(
    ({ durable }) => settled(durable).before > storedAt
  )

/** No timer that fired waits for the dispatcher: after an outage NATS fires late what is due, and it may be any. */
const nothingDue = ({ graceMillis, now, settled }: Facts) =>
  settled(consumers.dispatcherTimers.durable).before + graceMillis > now

const laneOf = ({ platform, priority, sender }: Watched, { settled }: Facts) =>
  platform && sender && priority ? settled(consumers.gateway(platform, sender, priority).durable) : undefined

/** A timer that stands. */
export interface StandingTimer {
  readonly id: MessageId
  readonly storedAt: number
  /** When it is to fire, if its message may be sent by then after all: it is left where it is, and nothing comes of it. */
  readonly doubtedUntil?: number
}

export const judgeTimer = (
  { doubtedUntil = 0, id, storedAt }: StandingTimer,
  row: Watched | undefined,
  { graceMillis, now }: Facts
): Finding | undefined => {
  if (Math.max(storedAt, row?.status === "sent" ? doubtedUntil : 0) + graceMillis > now) return undefined
  const since = fromMillis(storedAt)
  if (!row) return { id, platform: null, rule: "no-row", since }
  return isSettled(row.status) ? { id, platform: row.platform, rule: "timer-left", since } : undefined
}
