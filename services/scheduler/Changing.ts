// Takes in cancel and reschedule commands: each puts a change in the place of the waiting timer, or is too late.
// What the change comes to is decided when it is carried out (CarryingOut.ts).
import { Effect, Option, Result, Schema } from "effect"
import { events } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"
import { changed, decodeCommand, type Refusal, type Rules } from "#shared/contract/Submission.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import { EventLog } from "#shared/nats/EventLog.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { passOn } from "#shared/nats/RequestReply.ts"
import { Subject } from "#shared/nats/Topology.ts"
import { type Answer, body, causeOf, handedOn, notYet, refused } from "./Answer.ts"
import { type Pending, Timers } from "./Timers.ts"

export const cancel = Effect.fnUntraced(function* (delivery: Delivery, rules: Rules) {
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("cancel", json))
  if (Result.isFailure(command)) return refused("cancel", causeOf(delivery), command.failure, fromMillis(rules.now))
  const { id, ...rest } = command.success
  return yield* change("cancel", id, delivery, rules, () => Result.succeed({ change: "cancel", ...rest }))
})

export const reschedule = Effect.fnUntraced(function* (delivery: Delivery, rules: Rules) {
  const command = Result.flatMap(body(delivery), (json) => decodeCommand("reschedule", json))
  if (Result.isFailure(command)) return refused("reschedule", causeOf(delivery), command.failure, fromMillis(rules.now))
  const { id, reason } = command.success
  return yield* change("reschedule", id, delivery, rules, ({ attempt }) =>
    Result.map(changed(attempt.message, command.success, rules), (message) => ({
      change: "reschedule",
      attempt: { ...attempt, message, sendAt: message.dueAt },
      ...(reason === undefined ? {} : { reason })
    }))
  )
})

type Wish = TimerChange extends infer Change
  ? Change extends unknown
    ? Omit<Change, "cause" | "old" | "firesAt">
    : never
  : never

/** Tries on the waiting timer, anew when another command changed it in between. */
const change = Effect.fnUntraced(function* (
  name: "cancel" | "reschedule",
  id: MessageId,
  delivery: Delivery,
  rules: Rules,
  wish: (pending: Pending) => Result.Result<Wish, Refusal>
) {
  const timers = yield* Timers
  const cause = causeOf(delivery)
  while (true) {
    const pending = yield* timers.pending(id)
    if (Option.isNone(pending)) return yield* withoutTimer(name, id, delivery, rules)
    const { attempt: old, firesAt } = pending.value
    const wanted = wish(pending.value)
    if (Result.isFailure(wanted)) return refused(name, cause, wanted.failure, fromMillis(rules.now))
    const taken = yield* timers.change(pending.value, { ...wanted.success, cause, old, firesAt }, passOn(delivery))
    if (taken === "stored") return handedOn
  }
})

const decodeScheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.scheduled))

/** Without a timer the message is unknown, cancelled before, or on its way: told apart by the log, never guessed. */
const withoutTimer = Effect.fnUntraced(function* (
  name: "cancel" | "reschedule",
  id: MessageId,
  delivery: Delivery,
  { now }: Rules
) {
  const log = yield* EventLog
  const timers = yield* Timers
  const refuse = (problem: string) =>
    refused(name, causeOf(delivery), { id, problems: [{ path: "id", problem }] }, fromMillis(now))
  const found = yield* log.last("EVENTS", Subject.scheduled("*", id))
  const first = delivery.info.deliveryCount === 1
  if (Option.isNone(found)) return first ? notYet : refuse("is unknown: no message with this id was scheduled")
  const { message } = decodeScheduled(found.value.text)
  switch (yield* timers.without(message, { since: found.value.storedAt })) {
    case "changing":
      return notYet
    case "cancelled":
      return name === "cancel"
        ? ({ reply: { status: "cancelled", id } } satisfies Answer)
        : refuse("is of a message that was cancelled")
    case "fired":
      return first && toMillis(message.dueAt) > now ? notYet : refuse(tooLate)
  }
})

export const tooLate = "is of a message whose timer has fired: too late"
