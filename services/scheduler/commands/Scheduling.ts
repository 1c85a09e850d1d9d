// Carries out schedule commands: stores that the message is accepted, then arms its timer. Both are create-only,
// so a command that comes again, or was interrupted anywhere, ends in one message.
import { Array, Effect, Option, Result } from "effect"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import type { ScheduleCommand } from "#shared/contract/Commands.ts"
import { isWithoutPerson, leftOut } from "#shared/contract/Erasure.ts"
import type { Event, Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { expiredBy, idIsOfAnother } from "#shared/contract/Replies.ts"
import { conflicts, decodeCommand, type Refusal, type Rules, toMessage } from "#shared/contract/Submission.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { logEvents } from "#shared/telemetry/MessageLog.ts"
import { countEvents, recordStage } from "#shared/telemetry/Metrics.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import { onlyOnce } from "../series/Submitting.ts"
import { Timers } from "../timers/Timers.ts"
import { type Answer, body, causeOf, refused } from "./Answer.ts"
import { repeated } from "./Repeated.ts"
import { firstAttempt, scheduledOf } from "./Scheduled.ts"

interface Wanted {
  readonly delivery: Delivery
  readonly command: ScheduleCommand
  readonly message: Message
  readonly cause: string
}

type Standing =
  /** This very command put it there. */
  | { readonly _tag: "Ours"; readonly storedAt: number }
  /** An earlier command with the same content did, and cares for its timer. */
  | { readonly _tag: "Same"; readonly message: Message; readonly storedAt: number }
  | { readonly _tag: "Other"; readonly fields: ReadonlyArray<string> }

export const schedule = Effect.fnUntraced(function* (deliveries: ReadonlyArray<Delivery>, rules: Rules) {
  const { publish } = yield* Publisher
  const timers = yield* Timers
  const parsed = deliveries.map((delivery) => parse(delivery, rules))
  const wanted = parsed.filter(Result.isSuccess).map(({ success }) => success)
  const at = fromMillis(rules.now)
  const spans = wanted.map(begin)
  // What has waited for longer than the log is kept, only its timer knows.
  const waiting = yield* timers.waiting(wanted.map(({ message }) => message.id))
  const unused = wanted.flatMap((one, index) =>
    waiting.has(one.message.id) ? [] : [{ ...one, trace: spans[index]?.headers }]
  )
  const fates = yield* publish(
    unused.map(({ message, cause, trace }) => onlyOnce({ type: "scheduled", at, message, cause }, trace))
  )
  const stored = new Set(unused.filter((_, index) => fates[index] === "stored").map(({ delivery }) => delivery))
  const standings = yield* Effect.forEach(
    wanted,
    (one) => (stored.has(one.delivery) ? ours(rules.now) : look(one, waiting.get(one.message.id))),
    { concurrency: 50 }
  )
  const toArm = wanted.flatMap((one, index) => {
    const standing = standings[index]
    return standing?._tag === "Ours" ? [{ ...one, storedAt: standing.storedAt, trace: spans[index]?.headers }] : []
  })
  // What was carried out before may have armed its timer too; the timer may even have fired.
  const [fresh, again] = Array.partition(toArm, (one) =>
    stored.has(one.delivery) && !one.delivery.redelivered ? Result.succeed(one) : Result.fail(one)
  )
  yield* timers.arm(fresh.map(wantedOf))
  if (again.length > 0)
    yield* timers.arm(again.map(wantedOf), { since: Math.min(...again.map(({ storedAt }) => storedAt)) })
  wanted.forEach((one, index) => {
    spans[index]?.end(standings[index]?._tag === "Other" ? "rejected" : undefined)
    if (standings[index]?._tag === "Ours")
      recordStage("accept", Date.now() - one.delivery.time.getTime(), one.message.platform)
  })
  const accepted = toArm.map(({ message, cause }): Event => ({ type: "scheduled", at, message, cause }))
  countEvents(accepted)
  yield* logEvents(
    accepted,
    toArm.map(({ trace }) => trace)
  )
  const repeats = wanted.flatMap(({ delivery }, index) => {
    const standing = standings[index]
    if (standing?._tag !== "Same") return []
    const { message, storedAt } = standing
    const waits = waiting.get(message.id)
    return [{ delivery, message: waits ?? message, isWaiting: waits !== undefined, storedAt }]
  })
  const answers = yield* repeated(repeats, rules.now)
  for (const [index, one] of wanted.entries())
    if (!answers.has(one.delivery)) answers.set(one.delivery, answer(one, standings[index]))
  return parsed.map((result, index): Answer => {
    const delivery = deliveries[index] as Delivery
    return Result.isFailure(result)
      ? refused("schedule", causeOf(delivery), result.failure, at)
      : (answers.get(delivery) ?? refused("schedule", causeOf(delivery), { problems: [] }, at))
  })

  function answer({ delivery, message }: Wanted, standing: Standing | undefined): Answer {
    if (standing?._tag !== "Other") {
      const { id, dueAt, expiresAt } = message
      return {
        reply: { status: "accepted", id, dueAt, expiresAt, duplicate: false, ...expiredBy(expiresAt, rules.now) }
      }
    }
    return refused(
      "schedule",
      causeOf(delivery),
      {
        id: message.id,
        platform: message.platform,
        problems: standing.fields.map((path) => ({ path, problem: idIsOfAnother }))
      },
      at
    )
  }
})

const parse = (delivery: Delivery, rules: Rules): Result.Result<Wanted, Refusal> =>
  Result.flatMap(body(delivery), (json) =>
    Result.flatMap(decodeCommand("schedule", json), (command) =>
      Result.map(toMessage(command, rules, delivery.data.length), (message) => ({
        ...{ delivery, command, message },
        cause: causeOf(delivery)
      }))
    )
  )

const ours = (storedAt: number) => Effect.succeed<Standing>({ _tag: "Ours", storedAt })

const look = Effect.fnUntraced(function* ({ command, message, cause }: Wanted, waits: Message | undefined) {
  const stored = Option.getOrUndefined(yield* scheduledOf(message.id))
  // One that was erased since is not ours any more: what would tell that it was sent or cancelled went with it.
  if (stored?.cause === cause && !isWithoutPerson(stored.message)) return yield* ours(stored.storedAt)
  const standing = stored?.message ?? waits
  // Aged out of the log between the two looks: then the command comes again and is new.
  if (!standing) return yield* Effect.die(new Error("a scheduled event vanished"))
  const differing = conflicts(standing, command, message)
  const fields = stored?.used ? differing.filter((field) => !leftOut.has(field)) : differing
  return (fields.length === 0
    ? { _tag: "Same", message: standing, storedAt: stored?.storedAt ?? 0 }
    : { _tag: "Other", fields }) satisfies Standing as Standing
})

/** The publisher's trace goes on here. */
const begin = ({ delivery, message: { id, platform } }: Wanted) =>
  processing(delivery, { destination: "carillon.command.schedule", id, platform })

interface ToArm {
  readonly message: Message
  readonly storedAt: number
  readonly trace: Headers | undefined
}

const wantedOf = ({ message, storedAt, trace }: ToArm) => ({
  trace,
  attempt: firstAttempt(message, fromMillis(storedAt))
})
