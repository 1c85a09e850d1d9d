// What an event makes of the row whose newest message it is about. Pure. Saying it twice changes nothing more.
import { type Event, type EventOf, type EventType, messageId } from "#shared/contract/Events.ts"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import { idIsOfAnother, overtaken, timerHasFired } from "#shared/contract/Replies.ts"
import type { Tracked } from "../database/Tracked.ts"
import { inOneLine } from "../rows/Sight.ts"

export interface Outcome {
  readonly tracked: Tracked
  /** What the row asks for now may be done at last. */
  readonly lookAgain: boolean
}

/** They say that it is on its way. */
const underWay: ReadonlySet<EventType> = new Set<EventType>([
  "dispatched",
  "send-started",
  "part-sent",
  "attempt-failed",
  "retry-scheduled",
  "fell-back"
])

export const apply = (before: Tracked, event: Event): Outcome => {
  if (messageId(event) !== before.messageId) return { tracked: before, lookAgain: false }
  const tracked = { ...before, ...attemptsAfter(before, event) }
  switch (event.type) {
    case "scheduled":
      return still({ ...tracked, accepted: true })
    case "rescheduled":
      return still({ ...tracked, state: tracked.state === "leaving" ? "live" : tracked.state })
    case "rejected":
      return onRejected(tracked, event)
    case "cancelled":
    case "expired":
    case "failed":
      return unsent(tracked, event)
    case "sent":
      return over({
        ...tracked,
        status: "sent",
        sentAt: tracked.sentAt ?? event.sentAt,
        problem: tracked.state === "leaving" || tracked.state === "cancelling" ? tooLate : null
      })
    // It may have arrived, unless its gateway was faster to say that it has: nothing follows for this row by itself.
    case "unknown":
      if (tracked.status === "sent") return still(tracked)
      return over({ ...tracked, status: "unknown", problem: event.reason })
    // What failed may be sent yet, by an operator's word: unless the row does not want it any more.
    case "resolved":
      return { tracked: { ...tracked, state: "over", status: event.as }, lookAgain: event.as === "failed" }
    case "redriven":
      if (tracked.sentAt !== null) return still(tracked)
      // What the row asks for by now is another message: it waits for that one still.
      if (tracked.lookAt !== null) return still({ ...tracked, messageId: null })
      return {
        tracked: { ...tracked, ...redriven, state: tracked.state === "idle" ? "live" : tracked.state },
        lookAgain: tracked.state === "idle" && (tracked.gone || tracked.status !== "failed")
      }
    // It waits once more: a change that came too late for the try before is in time now.
    case "retry-scheduled":
    case "fell-back":
      return tracked.state === "leaving"
        ? again({ ...moved(tracked, event), wish: null })
        : still(moved(tracked, event))
    default:
      return still(moved(tracked, event))
  }
}

/** What the row says when the application changed it after its message was on its way. */
export const tooLate = "changed too late: the message was on its way"

/** What the row says of a message that is not sent any more, when of an earlier try nobody knows what became of it. */
export const inDoubt = "an earlier try may have arrived"

const redriven = { status: "processing", accepted: true } as const

const still = (tracked: Tracked): Outcome => ({ tracked, lookAgain: false })
/** Another row that has taken the id meanwhile gets its own message. */
const over = (tracked: Tracked): Outcome => ({
  tracked: { ...tracked, state: "over", lookAt: null },
  lookAgain: tracked.renewed
})

const moved = (tracked: Tracked, event: Event): Tracked => {
  if (!underWay.has(event.type) || tracked.state === "over" || tracked.state === "idle") return tracked
  const problem = "category" in event ? `${event.category}: ${event.reason}` : tracked.problem
  return { ...tracked, status: "processing", problem }
}

/**
 * It is known not to have been sent. When the application has changed its mind since, that is what counts now. But if an
 * earlier try may have arrived, nothing follows for this row by itself: nor after what an operator made follow.
 */
const unsent = (tracked: Tracked, event: EventOf<"cancelled" | "expired" | "failed">): Outcome => {
  const triedAgain = tracked.state === "over" && tracked.status === "processing"
  if (tracked.state === "idle" || (tracked.state === "over" && !triedAgain)) return still(tracked)
  const why = event.type === "failed" ? `${event.category}: ${event.reason}` : null
  const told = { ...tracked, status: event.type, problem: why }
  const changed = tracked.state !== "live"
  const unwanted = event.type === "failed" && changed
  const ended = (tracked: Tracked) => ({ ...over(tracked), lookAgain: tracked.renewed || unwanted })
  if (event.possiblyArrived) return ended({ ...told, problem: [why, inDoubt].filter(Boolean).join("; ") })
  if (triedAgain) return ended(told)
  const wanted = changed ? { identity: null, wish: null } : {}
  return { tracked: { ...told, ...wanted, state: "idle" }, lookAgain: changed }
}

const onRejected = (tracked: Tracked, event: EventOf<"rejected">): Outcome => {
  const problem = inOneLine(event.problems)
  const { state, accepted, wish } = tracked
  // What was changed before the end of its message was heard of: as it stands now it may be taken.
  if (state === "idle" && wish !== null && event.command === "reschedule" && !isOvertaken(event)) return afresh(tracked)
  if (state === "over" || state === "idle") return still(tracked)
  if (event.command === "schedule") {
    // The id stands for something else, as after a restore: that is cancelled first, and the row gets another id.
    if (accepted || event.problems.some(({ problem }) => problem === idIsOfAnother))
      return state === "live" ? afresh(tracked) : still(tracked)
    if (state === "live") return still({ ...tracked, state: "idle", status: "rejected", problem })
    return again({ ...tracked, ...idle })
  }
  if (event.command === "cancel" && state === "cancelling") {
    return accepted ? still({ ...tracked, state: "leaving" }) : again({ ...tracked, ...idle })
  }
  if (event.command === "reschedule" && state === "live") return unchanged({ ...tracked, problem }, event)
  return still(tracked)
}

/** What was taken back is not sent: unless it is on its way, the message is cancelled, and what stands in the row tried anew. */
const unchanged = (tracked: Tracked, { problems }: EventOf<"rejected">): Outcome => {
  if (problems.some(({ problem }) => problem === timerHasFired)) return still({ ...tracked, state: "leaving" })
  if (problems.every(({ path }) => path === "id")) return still(tracked)
  return afresh(tracked)
}

/** A later change was made before it: what the row asks for is done. */
const isOvertaken = ({ problems }: EventOf<"rejected">) => problems.some(({ problem }) => problem === overtaken)

const idle = { state: "idle", status: "rejected", identity: null, wish: null } as const
const again = (tracked: Tracked): Outcome => ({ tracked, lookAgain: true })
/** Whatever it asks for counts as a change. */
const afresh = (tracked: Tracked): Outcome => again({ ...tracked, identity: null, wish: null })

const attemptsAfter = (tracked: Tracked, event: Event): Partial<Tracked> =>
  event.type === "send-started"
    ? { attempts: Math.max(tracked.attempts, event.attempt), lastAttemptAt: later(tracked.lastAttemptAt, event.at) }
    : {}

// Instants of the contract sort as text.
const later = (one: Instant | null, other: Instant) => (one !== null && one > other ? one : other)
