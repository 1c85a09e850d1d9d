// Keeps the ids of messages taken that waited for about as long as the log is kept: the event that scheduled them leaves it
// soon, or has, and a publisher who says the same again would have them sent a second time, or sent though cancelled.
import { Effect } from "effect"
import { withoutPerson } from "#shared/contract/Erasure.ts"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { attempt, Nats } from "../connection/Nats.ts"
import { Subject } from "../layout/Topology.ts"
import { eventMessage, Publisher } from "../messages/Publisher.ts"
import { EventLog } from "./EventLog.ts"

/**
 * To be called with attempts whose timers are gone. Of those that waited for more than half of the time that the log is
 * kept, and that could be sent again after it has lost them, one more event keeps the id: without address and content.
 * So it stays taken for at least half of that time. Whatever else waited is not even looked up.
 */
export const takenIds = Effect.gen(function* () {
  const { manager } = yield* Nats
  const log = yield* EventLog
  const { publish } = yield* Publisher
  const { config } = yield* attempt("look up the log", () => manager.streams.info("EVENTS"))
  const keptMillis = config.max_age / 1_000_000
  const keepThem = Effect.fnUntraced(function* (attempts: ReadonlyArray<Attempt>, now: number, as: string) {
    const isLosing = ({ message }: Attempt, storedAt: number) =>
      storedAt + keptMillis < toMillis(message.expiresAt) && now - storedAt > keptMillis / 2
    // Of an attempt that an older version armed nobody knows when it was scheduled.
    const perhaps = attempts.filter(
      (one) =>
        one.attempt === 1 &&
        toMillis(one.message.expiresAt) > now &&
        isLosing(one, one.scheduledAt === undefined ? Number.NEGATIVE_INFINITY : toMillis(one.scheduledAt))
    )
    if (perhaps.length === 0) return
    const subjectOf = ({ message: { id, platform } }: Attempt) => Subject.scheduled(platform, id)
    const found = yield* log.lastOfEach("EVENTS", perhaps.map(subjectOf))
    const standing = new Map(found.map((one) => [one.subject, one]))
    const marks = perhaps.flatMap((one) => {
      const { message, scheduledAt } = one
      const stands = standing.get(subjectOf(one))
      if (stands && !isLosing(one, stands.storedAt)) return []
      const at = scheduledAt ?? fromMillis(stands?.storedAt ?? now)
      const event = withoutPerson({ type: "scheduled", at, message, cause: "kept", used: true })
      const { messageId: _, ...outgoing } = eventMessage(event, as)
      return [{ ...outgoing, expectedSequence: stands?.sequence ?? 0, expectedOf: Subject.scheduled("*", message.id) }]
    })
    // In conflict with another that keeps the id as well.
    yield* publish(marks)
  })
  return (attempts: ReadonlyArray<Attempt>, now: number, as: string) =>
    keptMillis === 0
      ? Effect.void
      : Effect.catch(keepThem(attempts, now, as), (error) =>
          // Whoever upgrades may not have given the new rights yet: nothing waits for this.
          Effect.logWarning(`ids may become free too early: ${error.message}`)
        )
})
