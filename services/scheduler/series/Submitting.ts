// Submits messages of the scheduler's own making, the occurrences of series, as a schedule command would: stores that each
// is accepted, then arms its timer. Both are create-only, and the cause names the occurrence: doing it again is harmless.
import { Effect, Option } from "effect"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { isWithoutPerson } from "#shared/contract/Erasure.ts"
import type { EventOf, Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { eventMessage, type Outgoing, Publisher } from "#shared/nats/messages/Publisher.ts"
import { countEvents } from "#shared/telemetry/Metrics.ts"
import { firstAttempt, scheduledOf } from "../commands/Scheduled.ts"
import { Timers } from "../timers/Timers.ts"

export interface Submission {
  readonly message: Message
  readonly cause: string
  readonly trace?: Headers | undefined
}

/** Create only: an id is used once, whatever the platform. Its fate is not to be that of one which is dropped as seen before. */
export const onlyOnce = (event: EventOf<"scheduled">, trace: Headers | undefined): Outgoing => {
  const { messageId: _, ...outgoing } = eventMessage(event, "scheduler", trace)
  return { ...outgoing, expectedSequence: 0, expectedOf: Subject.scheduled("*", event.message.id) }
}

/** `since`: from when on they may have been submitted before. */
export const submitMessages = Effect.fnUntraced(function* (wanted: ReadonlyArray<Submission>, since: number) {
  if (wanted.length === 0) return
  const { append, publish } = yield* Publisher
  const { presentSince } = yield* Nats
  const timers = yield* Timers
  const presentAtFirst = presentSince()
  const at = fromMillis(Date.now())
  const scheduled = wanted.map(
    ({ message, cause }): EventOf<"scheduled"> => ({ type: "scheduled", at, message, cause })
  )
  const fates = yield* publish(scheduled.map((event, index) => onlyOnce(event, wanted[index]?.trace)))
  const isNew = (index: number) => fates[index] === "stored"
  const standing = yield* Effect.forEach(
    wanted,
    (one, index) => (isNew(index) ? Effect.succeed(one) : standingOf(one)),
    {
      concurrency: 50
    }
  )
  const toArm = (which: (index: number) => boolean) =>
    standing.flatMap((one, index) =>
      one && which(index) && !isWithoutPerson(one.message)
        ? // It may have been accepted a little earlier: by the same claim of its series.
          [{ attempt: firstAttempt(one.message, at), trace: one.trace }]
        : []
    )
  // Suspended in between, we may find that another has armed what is new to us, and that it was sent or cancelled.
  const stayed = presentSince() === presentAtFirst
  const before = toArm((index) => !(stayed && isNew(index)))
  if (stayed) yield* timers.arm(toArm(isNew))
  if (before.length > 0) yield* timers.arm(before, { since })
  countEvents(scheduled.filter((_, index) => isNew(index)))
  yield* append(
    wanted.flatMap((one, index) => (standing[index] ? [] : [taken(one, at)])),
    since
  )
})

/** As it was submitted before; nothing if the id stands for somebody else's message. */
const standingOf = Effect.fnUntraced(function* (one: Submission) {
  const found = yield* scheduledOf(one.message.id)
  // Aged out of the log between the two looks: it was sent long ago.
  if (Option.isNone(found)) return yield* Effect.die(new Error("a scheduled event vanished"))
  const { cause, message } = found.value
  return cause === one.cause ? { ...one, message } : undefined
})

const taken = ({ cause, message: { id, platform } }: Submission, at: string): EventOf<"rejected"> => ({
  type: "rejected",
  at,
  command: "schedule-series",
  id,
  platform,
  problems: [{ path: "id", problem: "is that of another message: this occurrence is not sent" }],
  cause
})
