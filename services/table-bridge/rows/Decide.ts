// What follows for a row from what it asks for now and what was done for it before. Pure.
// A new message for a row is begun only when the one before is known not to have been sent: never two sends for one row.
import type { CommandName } from "#shared/contract/Commands.ts"
import type { Instant } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { messageIdOf, type Tracked } from "../database/Tracked.ts"
import type { Sight, Wanted } from "./Sight.ts"

export interface Command {
  readonly name: Extract<CommandName, "schedule" | "reschedule" | "cancel">
  readonly messageId: string
  readonly payload: Readonly<Record<string, unknown>>
}

export interface Seen {
  readonly sight: Sight
  /** When the application wrote what is seen. */
  readonly at: Instant
  /** The row was deleted since it was last looked at; what stands there now is another one. */
  readonly replaced: boolean
  readonly now: number
}

export interface Policy {
  readonly name: string
  readonly contact: "scheduled" | "due"
  readonly horizonSeconds: number
  readonly graceSeconds: number
}

export interface Decision {
  readonly tracked: Tracked
  readonly command?: Command
  /** Has the dead letter of the message before discarded, which would go out by an operator's word for all of them. */
  readonly withdrawal?: Command
}

export const decide = (before: Tracked, seen: Seen, policy: Policy): Decision => {
  const decision = next(before, seen, policy)
  const { messageId } = before
  const { tracked } = decision
  const failed = before.status === "failed" && before.accepted && messageId !== null
  const isMeantStill = seen.sight._tag === "Wanted" && tracked.messageId === messageId && tracked.lookAt === null
  if (!failed || isMeantStill) return decision
  const withdrawal = { name: "cancel", messageId, payload: { id: messageId } } as const
  // Of this one nothing is left that could be cancelled.
  return { ...decision, tracked: { ...tracked, accepted: false }, withdrawal }
}

const next = (before: Tracked, seen: Seen, policy: Policy): Decision => {
  const stands = seen.sight._tag !== "Gone"
  const tracked = { ...before, gone: !stands, renewed: seen.replaced && stands, lookAt: null }
  switch (before.state) {
    case "idle":
      return whenIdle(tracked.renewed ? anew(tracked) : tracked, seen, policy)
    case "live":
    // It was on its way when the last change came; that try may have failed, and another be waited for.
    case "leaving":
      return whenLive(tracked, seen)
    // The answer is on its way, and has the row looked at again.
    case "cancelling":
      return { tracked }
    case "over":
      return tracked.renewed ? whenIdle(anew(tracked), seen, policy) : { tracked }
  }
}

/** Another row under the same id: of the old one only the revision counts, and nothing that is still said of its message. */
const anew = (tracked: Tracked): Tracked => ({
  ...tracked,
  messageId: null,
  state: "idle",
  identity: null,
  wish: null,
  status: null,
  problem: null,
  attempts: 0,
  lastAttemptAt: null,
  sentAt: null
})

const whenIdle = (tracked: Tracked, { sight, at, now }: Seen, policy: Policy): Decision => {
  const nothing = (status: Tracked["status"], problem: string | null): Decision => ({
    tracked: { ...tracked, ...unplanned, changedAt: at, status, problem }
  })
  /** What became of its message counts more. */
  const unlessItEnded: typeof nothing = (status, problem) =>
    tracked.status === "failed" || tracked.status === "expired"
      ? nothing(tracked.status, tracked.problem)
      : nothing(status, problem)
  switch (sight._tag) {
    case "Gone":
      return { tracked: { ...tracked, ...unplanned } }
    case "Off":
      return nothing(tracked.status === "cancelled" ? "cancelled" : "inactive", null)
    case "NoContact":
      return unlessItEnded("no-contact", sight.problem)
    case "Invalid":
      return nothing("invalid", sight.problem)
  }
  // It ended as it is: only a change is a reason to begin again.
  if (sight.identity === tracked.identity && sight.wish === tracked.wish) return { tracked }
  const due = toMillis(sight.dueAt)
  if (due < toMillis(at) - policy.graceSeconds * 1_000) return unlessItEnded("past", "was due before it was written")
  const takeContactAt = due - policy.horizonSeconds * 1_000
  if (policy.contact === "due" && takeContactAt > now) {
    const { tracked: waiting } = nothing("waiting", null)
    return { tracked: { ...waiting, lookAt: fromMillis(takeContactAt) } }
  }
  return schedule(tracked, sight, at, policy)
}

const unplanned = { identity: null, wish: null, renewed: false }

const schedule = (tracked: Tracked, sight: Wanted, at: Instant, { name }: Policy): Decision => {
  const revision = tracked.revision + 1
  const messageId = messageIdOf(name, tracked.rowId, revision)
  if (messageId === undefined) {
    const problem = "its id cannot be part of a message id: 1 to 85 of A-Z a-z 0-9 _ -, not ending like __2"
    return { tracked: { ...tracked, ...unplanned, changedAt: at, status: "invalid", problem } }
  }
  return {
    tracked: {
      ...tracked,
      revision,
      messageId,
      state: "live",
      accepted: false,
      renewed: false,
      identity: sight.identity,
      wish: sight.wish,
      changedAt: at,
      status: "pending",
      attempts: 0,
      lastAttemptAt: null,
      problem: null
    },
    command: { name: "schedule", messageId, payload: { ...sight.command, id: messageId } }
  }
}

const whenLive = (tracked: Tracked, { sight, at, replaced }: Seen): Decision => {
  const messageId = tracked.messageId ?? ""
  if (sight._tag !== "Wanted" || replaced || sight.identity !== tracked.identity) {
    return {
      tracked: { ...tracked, state: "cancelling", changedAt: at },
      command: { name: "cancel", messageId, payload: { id: messageId } }
    }
  }
  if (sight.wish === tracked.wish) return { tracked }
  const { dueAt, content, priority = "normal", metadata = {}, ...rest } = sight.command
  const lateness = "maxLatenessSeconds" in rest ? { maxLatenessSeconds: rest.maxLatenessSeconds } : {}
  return {
    tracked: { ...tracked, wish: sight.wish, changedAt: at, problem: null },
    command: {
      name: "reschedule",
      messageId,
      payload: { id: messageId, dueAt, content, priority, metadata, ...lateness }
    }
  }
}
