// Takes in cancel and reschedule commands: each puts a change in the place of the waiting timer, or is too late.
// What the change comes to is decided when it is carried out (CarryingOut.ts).
import { Effect, Option, Result, Schema } from "effect"
import { events, type Message } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/Instants.ts"
import { changed, decodeCommand, type Refusal, type Rules } from "#shared/contract/Submission.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import { EventLog } from "#shared/nats/EventLog.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { passOn } from "#shared/nats/RequestReply.ts"
import { Subject } from "#shared/nats/Topology.ts"
import { type Answer, body, causeOf, handedOn, isLater, notYet, refused } from "./Answer.ts"
import { type Pending, Timers } from "./Timers.ts"

type Name = "cancel" | "reschedule"

/** A command that could be read, and what it wants of the timer that it finds. */
interface Wanted {
  readonly delivery: Delivery
  readonly id: MessageId
  readonly wish: (pending: Pending) => Result.Result<Wish, Refusal>
}

type Wish = TimerChange extends infer Change
  ? Change extends unknown
    ? Omit<Change, "cause" | "old" | "firesAt">
    : never
  : never

const read: { readonly [N in Name]: (delivery: Delivery, rules: Rules) => Result.Result<Wanted, Refusal> } = {
  cancel: (delivery) =>
    Result.map(decode("cancel", delivery), ({ id, ...rest }) => ({
      delivery,
      id,
      wish: () => Result.succeed({ change: "cancel", ...rest })
    })),
  reschedule: (delivery, rules) =>
    Result.map(decode("reschedule", delivery), (command) => ({
      delivery,
      id: command.id,
      wish: ({ attempt, changedBy }) =>
        changedBy !== undefined && isLater(changedBy, causeOf(delivery))
          ? Result.fail({ id: command.id, problems: [{ path: "id", problem: overtaken }] })
          : Result.map(changed(attempt.message, command, rules), (message) => ({
              change: "reschedule",
              attempt: { ...attempt, message, sendAt: message.dueAt },
              ...(command.reason === undefined ? {} : { reason: command.reason })
            }))
    }))
}

const decode = <N extends Name>(name: N, delivery: Delivery) =>
  Result.flatMap(body(delivery), (json) => decodeCommand(name, json))

/** Answers in the order of the commands. Different messages go side by side; of one message the last command counts. */
export const changeTimers = Effect.fnUntraced(function* (name: Name, run: ReadonlyArray<Delivery>, rules: Rules) {
  const answers = new Map<Delivery, Answer>()
  const wanted: Array<Wanted> = []
  for (const delivery of run) {
    const one = read[name](delivery, rules)
    if (Result.isSuccess(one)) wanted.push(one.success)
    else answers.set(delivery, refused(name, causeOf(delivery), one.failure, fromMillis(rules.now)))
  }
  const settle = Effect.fnUntraced(function* (wave: ReadonlyArray<Wanted>) {
    const found = yield* Effect.forEach(wave, (one) => change(name, one, rules), { concurrency: sideBySide })
    const missing = wave.filter((_, index) => !found[index])
    const without = yield* withoutTimer(name, missing, rules)
    const answerTo = (one: Wanted, index: number) => found[index] ?? without.get(one)
    for (const [index, one] of wave.entries()) answers.set(one.delivery, answerTo(one, index) ?? notYet)
    return missing.filter((one) => !without.has(one))
  })
  let patience = looks
  for (const wave of waves(wanted)) {
    let changing = yield* settle(wave)
    // Put back, the command might be overtaken by the next one.
    while (changing.length > 0 && patience-- > 0) {
      yield* Effect.sleep(lookEveryMillis)
      changing = yield* settle(changing)
    }
  }
  return run.map((delivery) => answers.get(delivery) ?? notYet)
})

/** How often, for all of a batch, those are looked at again of which a change is just being carried out. */
const looks = 25
const lookEveryMillis = 20

/** Cut where a message comes again. */
const waves = (wanted: ReadonlyArray<Wanted>) => {
  const all: Array<Array<Wanted>> = []
  let ids = new Set<MessageId>()
  for (const one of wanted) {
    if (all.length === 0 || ids.has(one.id)) {
      all.push([])
      ids = new Set()
    }
    ids.add(one.id)
    all.at(-1)?.push(one)
  }
  return all
}

/** Tries on the waiting timer, anew when another command changed it in between. Nothing if there is none. */
const change = Effect.fnUntraced(function* (name: Name, { delivery, id, wish }: Wanted, rules: Rules) {
  const timers = yield* Timers
  const cause = causeOf(delivery)
  while (true) {
    const pending = yield* timers.pending(id)
    if (Option.isNone(pending)) return undefined
    const { attempt: old, firesAt } = pending.value
    const wanted = wish(pending.value)
    if (Result.isFailure(wanted)) return refused(name, cause, wanted.failure, fromMillis(rules.now))
    const taken = yield* timers.change(pending.value, { ...wanted.success, cause, old, firesAt }, passOn(delivery))
    if (taken === "stored") return handedOn
  }
})

const decodeScheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.scheduled))

/**
 * Without a timer the message is unknown, cancelled before, or on its way: told apart by the log, never guessed. Nothing
 * of those of which a change is being carried out.
 */
const withoutTimer = Effect.fnUntraced(function* (name: Name, missing: ReadonlyArray<Wanted>, { now }: Rules) {
  const log = yield* EventLog
  const timers = yield* Timers
  const scheduled = yield* Effect.forEach(
    missing,
    ({ id }) => Effect.map(log.last("EVENTS", Subject.scheduled("*", id)), Option.getOrUndefined),
    { concurrency: sideBySide }
  )
  const messages = scheduled.map((found) => found && decodeScheduled(found.text).message)
  const since = Math.min(...scheduled.flatMap((found) => found?.storedAt ?? []))
  const states = yield* timers.without(
    messages.filter((message) => message !== undefined),
    { since }
  )
  const first = yield* firstToCome(missing.some(({ delivery }, index) => !messages[index] && !isNew(delivery)))
  // Carried out between the look at its timer and the look at its changes.
  const armedSince = new Set(
    yield* Effect.filter(
      [...states].flatMap(([id, state]) => (state === "fired" ? [id] : [])),
      (id) => Effect.map(timers.pending(id), Option.isSome),
      { concurrency: sideBySide }
    )
  )
  const answerTo = ({ delivery, id }: Wanted, message: Message | undefined): Answer | undefined => {
    if (armedSince.has(id)) return undefined
    const refuse = (problem: string) =>
      refused(name, causeOf(delivery), { id, problems: [{ path: "id", problem }] }, fromMillis(now))
    if (!message) {
      const mayCome = delivery.seq > first && now - delivery.time.getTime() < patientForMillis
      return isNew(delivery) || mayCome ? notYet : refuse("is unknown: no message with this id was scheduled")
    }
    switch (states.get(id)) {
      case "cancelled":
        return name === "cancel" ? { reply: { status: "cancelled", id } } : refuse("is of a message that was cancelled")
      case "fired":
        return isNew(delivery) && toMillis(message.dueAt) > now ? notYet : refuse(tooLate)
      default:
        return undefined
    }
  }
  return new Map(
    missing.flatMap((one, index) => {
      const answer = answerTo(one, messages[index])
      return answer ? [[one, answer] as const] : []
    })
  )
})

const isNew = ({ info }: Delivery) => info.deliveryCount === 1

/** The oldest command to schedule that is not carried out yet, if anybody wants to know: an unknown message may be in it. */
const firstToCome = Effect.fnUntraced(function* (wanted: boolean) {
  const log = yield* EventLog
  const found = wanted ? yield* log.next("COMMANDS", 1, Subject.command("schedule")) : Option.none()
  return Option.match(found, { onNone: () => Number.POSITIVE_INFINITY, onSome: ({ sequence }) => sequence })
})

/** So long an unknown message is waited for while older commands are in hand: longer than a replica may be away with them. */
const patientForMillis = 120_000

/** So many look-ups are on their way at a time. */
const sideBySide = 50

const overtaken = "is of a message that a later command has rescheduled since"

export const tooLate = "is of a message whose timer has fired: too late"
