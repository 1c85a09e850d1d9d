// Carries out cancel and reschedule commands: each is one atomic step on the waiting timer, or too late.
import { Effect, Option, Result, Schema } from "effect"
import type { CancelCommand, RescheduleCommand } from "#shared/contract/Commands.ts"
import { events } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"
import { changed, decodeCommand, type Rules } from "#shared/contract/Submission.ts"
import { EventLog } from "#shared/nats/EventLog.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import type { NatsError } from "#shared/nats/Nats.ts"
import { Subject } from "#shared/nats/Topology.ts"
import { type Answer, body, causeOf, refused } from "./Answer.ts"
import { type Pending, Timers } from "./Timers.ts"

/** The command comes again: what it is about may just be on its way through another replica. */
const notYet: Answer = {}

export const cancel = Effect.fnUntraced(function* (delivery: Delivery, rules: Rules) {
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("cancel", json))
  const at = fromMillis(rules.now)
  if (Result.isFailure(command)) return refused("cancel", delivery, command.failure, at)
  const { id, reason } = command.success
  const timers = yield* Timers
  const took = yield* withPending(id, (pending) => {
    const { platform, dueAt } = pending.attempt.message
    return Effect.map(
      timers.cancel(pending, { id, platform, dueAt, at, ...(reason === undefined ? {} : { reason }) }),
      (fate): Answer | undefined => (fate === "stored" ? { reply: { status: "cancelled", id } } : undefined)
    )
  })
  return took ?? (yield* withoutTimer("cancel", command.success, delivery, rules))
})

export const reschedule = Effect.fnUntraced(function* (delivery: Delivery, rules: Rules) {
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("reschedule", json))
  const at = fromMillis(rules.now)
  if (Result.isFailure(command)) return refused("reschedule", delivery, command.failure, at)
  const { id, reason } = command.success
  const timers = yield* Timers
  const cause = causeOf(delivery)
  const took = yield* withPending(id, (pending) => {
    const message = changed(pending.attempt.message, command.success, rules)
    if (Result.isFailure(message)) return Effect.succeed(refused("reschedule", delivery, message.failure, at))
    const { dueAt, expiresAt } = message.success
    return Effect.map(
      timers.replace(pending, { ...pending.attempt, message: message.success, sendAt: dueAt }, cause),
      (fate): Answer | undefined =>
        fate === "stored"
          ? {
              reply: { status: "rescheduled", id, dueAt, expiresAt },
              event: {
                type: "rescheduled",
                at,
                message: message.success,
                previousDueAt: pending.attempt.message.dueAt,
                cause,
                ...(reason === undefined ? {} : { reason })
              }
            }
          : undefined
    )
  })
  return took ?? (yield* withoutTimer("reschedule", command.success, delivery, rules))
})

/** Tries on the waiting timer, anew when another command changed it in between. Nothing if no timer waits. */
const withPending = Effect.fnUntraced(function* (
  id: MessageId,
  act: (pending: Pending) => Effect.Effect<Answer | undefined, NatsError>
) {
  const timers = yield* Timers
  while (true) {
    const pending = yield* timers.pending(id)
    if (Option.isNone(pending)) return undefined
    const answer = yield* act(pending.value)
    if (answer) return answer
  }
})

const decodeScheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.scheduled))

/** Without a timer the message is unknown, cancelled before, or on its way: told apart by the log, never guessed. */
const withoutTimer = Effect.fnUntraced(function* (
  name: "cancel" | "reschedule",
  { id }: CancelCommand | RescheduleCommand,
  delivery: Delivery,
  { now }: Rules
) {
  const log = yield* EventLog
  const timers = yield* Timers
  const refuse = (problem: string) =>
    refused(name, delivery, { id, problems: [{ path: "id", problem }] }, fromMillis(now))
  const found = yield* log.last("EVENTS", Subject.scheduled("*", id))
  const first = delivery.info.deliveryCount === 1
  if (Option.isNone(found)) return first ? notYet : refuse("is unknown: no message with this id was scheduled")
  const { message } = decodeScheduled(found.value.text)
  if (yield* timers.wasCancelled(message, found.value.storedAt)) {
    return name === "cancel"
      ? ({ reply: { status: "cancelled", id } } satisfies Answer)
      : refuse("is of a message that was cancelled")
  }
  return first && toMillis(message.dueAt) > now ? notYet : refuse("is of a message whose timer has fired: too late")
})
