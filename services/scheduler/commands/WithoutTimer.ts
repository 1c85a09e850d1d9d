// What becomes of a command to cancel or reschedule that finds no timer.
import { Effect, Option } from "effect"
import type { Message } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { timerHasFired } from "#shared/contract/Replies.ts"
import type { Rules } from "#shared/contract/Submission.ts"
import { askBack } from "#shared/nats/messages/AskingBack.ts"
import { cancelledBefore, discardGivenUp } from "../operators/GivenUp.ts"
import { Timers } from "../timers/Timers.ts"
import { type Answer, type Command, notYet, refusedOf } from "./Answer.ts"
import { mayBeGivenBack, mayCome, mayComeByTick } from "./Patience.ts"
import { scheduledOf } from "./Scheduled.ts"
import { sentInTime } from "./SentInTime.ts"

export type Name = "cancel" | "reschedule"

/**
 * Without a timer the message is unknown, cancelled before, or on its way: told apart by the log, never guessed. Nothing
 * of those of which a change is being carried out.
 */
export const withoutTimer = Effect.fnUntraced(function* <A extends Command>(
  name: Name,
  missing: ReadonlyArray<A>,
  { now }: Rules
) {
  const timers = yield* Timers
  const older = yield* mayCome(
    "schedule",
    missing.map(({ delivery }) => delivery)
  )
  const scheduled = yield* Effect.forEach(missing, ({ id }) => Effect.map(scheduledOf(id), Option.getOrUndefined), {
    concurrency: sideBySide
  })
  const messages = scheduled.map((found) => found?.message)
  // Asked before their timers are looked for again, as the commands are.
  const coming = yield* Effect.filter(missing, ({ delivery }, index) => mayComeByTick(delivery, messages[index]), {
    concurrency: sideBySide
  })
  const isAhead = (message: Message) => toMillis(message.dueAt) > now
  const known = scheduled.flatMap((found) => found ?? [])
  const sent = yield* sentInTime(known.flatMap(({ message }) => (isAhead(message) ? [] : [message])))
  const open = known.filter(({ message }) => !sent.has(message.id))
  const since = Math.min(...open.map(({ storedAt }) => storedAt))
  const states = yield* timers.without(
    open.map(({ message }) => message),
    { since }
  )
  const late = (one: A, message: Message | undefined) =>
    name === "cancel" && !sent.has(one.id) && (!message || states.get(one.id) === "fired")
  const perhapsGivenUp = missing.filter((one, index) => late(one, messages[index]))
  const discarded = yield* discardGivenUp(perhapsGivenUp, now)
  const over = (one: A) => states.has(one.id) && !discarded.has(one)
  const before = yield* cancelledBefore(
    missing.filter((one) => name === "cancel" && over(one) && states.get(one.id) !== "changing"),
    since
  )
  const held: Array<MessageId> = []
  const answerTo = (one: A, message: Message | undefined): Answer | undefined => {
    const { delivery, id } = one
    const givenUp = discarded.get(one)
    if (givenUp) return givenUp
    const cancelled = before.get(id)
    if (cancelled) return cancelled
    const refuse = (problem: string) => refusedOf(name, one, problem, now)
    if (!message) return older(delivery) ? notYet : refuse("is unknown: no message with this id was scheduled")
    switch (sent.has(id) ? "fired" : states.get(id)) {
      case "cancelled":
        return name === "cancel" ? { reply: { status: "cancelled", id } } : refuse("is of a message that was cancelled")
      case "fired":
        // Of one that has no timer yet, the log may say already that it was scheduled.
        if (isAhead(message) && (older(delivery) || coming.includes(one))) return notYet
        if (sent.has(id) || !mayBeGivenBack(delivery)) return refuse(timerHasFired)
        held.push(id)
        return notYet
      default:
        return undefined
    }
  }
  const answers = new Map(
    missing.flatMap((one, index) => {
      const answer = answerTo(one, messages[index])
      return answer ? [[one, answer] as const] : []
    })
  )
  // Not sent yet, it may wait in a gateway's hands for hours. Given back, it has a timer when this comes again.
  yield* askBack(held)
  return answers
})

/** So many look-ups are on their way at a time. */
export const sideBySide = 50
