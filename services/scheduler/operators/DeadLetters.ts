// The rules of dead letters: what follows from an operator's word to send it after all, to forget it, or to settle an outcome
// that nobody knows. Pure.
import { Result } from "effect"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { inDoubt, mayHaveArrived } from "#shared/contract/Doubt.ts"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import type { MessageId, Problem, ResolvedAs } from "#shared/contract/fields/Fields.ts"
import { deadlineOf, fromMillis, parseInstant, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { type Refusal, tenYears, zoneProblem } from "#shared/contract/Submission.ts"

export type Decision = "redrive" | "discard" | "resolve"

interface Decided {
  readonly event: Event
  readonly reply: Reply
  /** What is kept in the place of the dead letter. */
  readonly keep?: DeadLetter
}

export interface Command {
  readonly id: MessageId
  readonly reason?: string
  readonly dueAt?: string
  readonly timeZone?: string
  readonly as?: ResolvedAs
}

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
  const zone = zoneProblem({ dueAt: wanted, timeZone })
  if (zone) return refuse(zone)
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
