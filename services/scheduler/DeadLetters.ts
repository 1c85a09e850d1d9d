// Carries out what operators decide of dead letters: send after all, forget, or settle an outcome that nobody knows.
// The dead letter goes last: what was interrupted is found again, and what follows from it is named by its attempt.
import { Effect, Option, Result } from "effect"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { inDoubt, mayHaveArrived } from "#shared/contract/Doubt.ts"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import type { MessageId, Platform, Problem, ResolvedAs } from "#shared/contract/Fields.ts"
import { deadlineOf, fromMillis, parseInstant, toMillis } from "#shared/contract/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { decodeCommand, type Refusal, tenYears } from "#shared/contract/Submission.ts"
import { DeadLetterStore } from "#shared/nats/DeadLetterStore.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { sentAfterAll } from "#shared/nats/SentAfterAll.ts"
import { type Answer, body, causeOf, refused } from "./Answer.ts"

type Decision = "redrive" | "discard" | "resolve"

interface Decided {
  readonly event: Event
  readonly reply: Reply
  /** What is kept in the place of the dead letter. */
  readonly keep?: DeadLetter
}

/** What was interrupted after its dead letter was gone finds it no more, and is told so; its event stands in the log. */
export const decideDeadLetter = Effect.fnUntraced(function* (name: Decision, delivery: Delivery, now: number) {
  const cause = causeOf(delivery)
  const command = Result.flatMap(body(delivery), (json) => decodeCommand(name, json))
  if (Result.isFailure(command)) return refused(name, cause, command.failure, fromMillis(now))
  const { id } = command.success
  const store = yield* DeadLetterStore
  const found = yield* store.find(id)
  const refuse = (problem: string, about: { readonly platform?: Platform } = {}) =>
    refused(name, cause, { id, ...about, problems: [{ path: "id", problem }] }, fromMillis(now))
  if (Option.isNone(found)) return refuse("is unknown: there is no dead letter with this id")
  const { letter, sequence, storedAt } = found.value
  const { platform } = letter.message
  // Carried out, and come back as its scheduler was killed: this one nobody has decided on.
  if (delivery.redelivered && storedAt > delivery.time.getTime())
    return refuse("is of a message that was given up anew since this was decided", { platform })
  const sentAt = name === "discard" ? undefined : (yield* sentAfterAll([letter])).get(id)
  if (sentAt !== undefined) {
    return {
      ...refuse(`is of a message that has been sent after all, at ${fromMillis(sentAt)}`, { platform }),
      afterwards: store.remove(sequence)
    } satisfies Answer as Answer
  }
  const decided = decide(name, command.success, letter, cause, now)
  if (Result.isFailure(decided)) return refused(name, cause, decided.failure, fromMillis(now))
  const { event, reply, keep } = decided.success
  const afterwards = keep ? store.replace(keep, sequence) : store.remove(sequence)
  return { event, reply, afterwards } satisfies Answer
})

interface Command {
  readonly id: MessageId
  readonly reason?: string
  readonly dueAt?: string
  readonly timeZone?: string
  readonly as?: ResolvedAs
}

/** Pure. */
export const decide = (
  name: Decision,
  command: Command,
  letter: DeadLetter,
  cause: string,
  now: number
): Result.Result<Decided, Refusal> => {
  const { id, platform } = letter.message
  const at = fromMillis(now)
  const why = { cause, ...(command.reason === undefined ? {} : { reason: command.reason }) }
  const refuse = (problem: Problem) => Result.fail({ id, platform, problems: [problem] })
  switch (name) {
    case "discard":
      return Result.succeed({
        event: { type: "discarded", at, id, platform, ...why },
        reply: { status: "discarded", id }
      })
    case "redrive":
      return letter.state === "unknown"
        ? refuse({ path: "id", problem: "is of a message whose outcome is unknown: resolve it" })
        : redrive(letter, command, why, now)
    case "resolve": {
      const { as } = command
      if (letter.state !== "unknown") return refuse({ path: "id", problem: "is of a message whose outcome is known" })
      if (as === "resend") {
        return Result.map(redrive(letter, command, why, now), (decided) => ({
          ...decided,
          reply: { status: "resolved", id, as }
        }))
      }
      const settled = as === "failed" ? "failed" : "sent"
      return Result.succeed({
        event: { type: "resolved", at, id, platform, attempt: letter.attempt, as: settled, ...why },
        reply: { status: "resolved", id, as: settled },
        ...(settled === "failed" ? { keep: { ...letter, state: "failed" as const } } : {})
      })
    }
  }
}

/** The message is due anew, with the lateness it was allowed from the start. */
const redrive = (
  letter: DeadLetter,
  { dueAt: wanted, timeZone }: Command,
  why: { readonly cause: string; readonly reason?: string },
  now: number
): Result.Result<Decided, Refusal> => {
  const { state: _, at: __, category: ___, reason: ____, waits: _____, ...attempt } = letter
  const { message } = letter
  const refuse = (problem: Problem) => Result.fail({ id: message.id, problems: [problem] })
  const parsed = wanted === undefined ? Result.succeed(now) : parseInstant(wanted, timeZone)
  if (Result.isFailure(parsed)) {
    const path = parsed.failure.field === "time" ? "dueAt" : parsed.failure.field
    return refuse({ path, problem: parsed.failure.problem })
  }
  if (parsed.success - now > tenYears) return refuse({ path: "dueAt", problem: "is more than ten years ahead" })
  const due = Math.max(now, parsed.success)
  const dueAt = fromMillis(due)
  const expiresAt = deadlineOf(due, toMillis(message.expiresAt) - toMillis(message.dueAt))
  const event: EventOf<"redriven"> = {
    type: "redriven",
    at: fromMillis(now),
    ...attempt,
    ...inDoubt(letter),
    message: { ...message, dueAt, expiresAt },
    attempt: letter.attempt + 1,
    failures: 0,
    possibleDuplicate: mayHaveArrived(letter),
    sendAt: dueAt,
    ...why
  }
  return Result.succeed({ event, reply: { status: "redriven", id: message.id, dueAt, expiresAt } })
}
