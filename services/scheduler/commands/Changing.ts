// Takes in cancel and reschedule commands: each puts a change in the place of the waiting timer, or is too late.
// What the change comes to is decided when it is carried out (CarryingOut.ts).
import { Effect, Option, Result } from "effect"
import type { Attempt, Message } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { overtaken } from "#shared/contract/Replies.ts"
import { canonical, changed, decodeCommand, type Refusal, type Rules } from "#shared/contract/Submission.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { passOn } from "#shared/nats/messages/RequestReply.ts"
import { type Pending, Timers } from "../timers/Timers.ts"
import { type Answer, aboutId, body, type Command, causeOf, handedOn, isLater, notYet, refused } from "./Answer.ts"
import { rescheduled, rescheduledBefore } from "./Rescheduled.ts"
import { type Name, sideBySide, withoutTimer } from "./WithoutTimer.ts"

/** What it wants of the timer that it finds. */
interface Wanted extends Command {
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
      ...{ delivery, id, ...rest },
      wish: () => Result.succeed({ change: "cancel", ...rest })
    })),
  reschedule: (delivery, rules) =>
    Result.map(decode("reschedule", delivery), (command) => ({
      delivery,
      id: command.id,
      wish: ({ attempt, changedBy }) =>
        changedBy !== undefined && isLater(changedBy, causeOf(delivery))
          ? Result.fail(aboutId(command.id, overtaken))
          : Result.map(changed(attempt.message, command, rules), (message) => ({
              change: "reschedule",
              attempt: { ...as(attempt, message), sendAt: message.dueAt },
              ...(command.reason === undefined ? {} : { reason: command.reason })
            }))
    }))
}

/** Parts that were sent are parts of what it said then: of another content none was. */
const as = ({ partsSent, ...attempt }: Attempt, message: Message): Attempt => ({
  ...attempt,
  message,
  ...(partsSent === undefined || canonical(message.content) !== canonical(attempt.message.content) ? {} : { partsSent })
})

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
  const settle = Effect.fnUntraced(function* (asked: ReadonlyArray<Wanted>) {
    const before = name === "reschedule" ? yield* rescheduledBefore(asked, rules.now) : undefined
    for (const [{ delivery }, answer] of before ?? []) answers.set(delivery, answer)
    const wave = asked.filter((one) => !before?.has(one))
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
    const { attempt: old, changedBy, firesAt } = pending.value
    // Carried out already, and come back: a second change would take away the timer that the first one has set.
    if (changedBy === cause) return rescheduled(old.message)
    const wanted = wish(pending.value)
    if (Result.isFailure(wanted)) return refused(name, cause, wanted.failure, fromMillis(rules.now))
    const taken = yield* timers.change(pending.value, { ...wanted.success, cause, old, firesAt }, passOn(delivery))
    if (taken === "stored") return handedOn
  }
})
