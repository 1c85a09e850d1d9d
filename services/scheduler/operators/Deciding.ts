// Carries out what operators decide of dead letters. A letter is claimed first, so that of two decisions one is carried out, and
// goes last: what was interrupted is found again. What follows from it is named by its attempt.
import { Effect, Option, Result, Schema } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { type EventOf, events } from "#shared/contract/Events.ts"
import type { MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { decodeCommand } from "#shared/contract/Submission.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { DeadLetterStore, type Found } from "#shared/nats/stores/DeadLetterStore.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { sentAfterAll } from "#shared/nats/stores/SentAfterAll.ts"
import { type Answer, body, causeOf, refused, storedAs } from "../commands/Answer.ts"
import { type Command, type Decision, decide } from "./DeadLetters.ts"

type Said = EventOf<"redriven"> | EventOf<"discarded"> | EventOf<"resolved">

interface Wanted {
  readonly delivery: Delivery
  readonly cause: string
  readonly command: Command
}

/** Answers in the order of the commands. */
export const decideDeadLetters = Effect.fnUntraced(function* (
  name: Decision,
  run: ReadonlyArray<Delivery>,
  now: number
) {
  const read = run.map((delivery) => {
    const command = Result.flatMap(body(delivery), (json) => decodeCommand(name, json))
    return Result.map(command, (command): Wanted => ({ delivery, cause: causeOf(delivery), command }))
  })
  const wanted = read.filter(Result.isSuccess).map(({ success }) => success)
  const store = yield* DeadLetterStore
  const back = wanted.filter(({ delivery }) => delivery.redelivered)
  const said = yield* saidOf(back)
  const find = ({ command }: Wanted) => Effect.map(store.find(command.id), Option.getOrUndefined)
  const found = yield* Effect.forEach(wanted, find, { concurrency: 20 })
  const redriven = yield* redrivenOf(name === "discard" ? [] : found.flatMap((one) => one?.letter ?? []))
  const answers = new Map<Delivery, Answer>()
  for (const [index, one] of wanted.entries()) {
    const before = said.get(one.cause)
    const letter = found[index]
    const answer = before ? again(name, one, before, letter) : decideOn(name, one, letter, redriven, now)
    answers.set(one.delivery, yield* answer)
  }
  return read.map((one, index) => {
    const delivery = run[index] as Delivery
    const answer = answers.get(delivery)
    return (
      answer ??
      refused(name, causeOf(delivery), Result.isFailure(one) ? one.failure : { problems: [] }, fromMillis(now))
    )
  })
})

/** By cause, what the log says that commands came to. */
const saidOf = Effect.fnUntraced(function* (commands: ReadonlyArray<Pick<Wanted, "cause" | "command">>) {
  const said = new Map<string, Said>()
  if (commands.length === 0) return said
  const log = yield* EventLog
  const since = Math.min(...commands.map(({ cause }) => storedAs(cause).storedAt))
  const ids = new Set(commands.map(({ command }) => command.id))
  for (const { sequence } of yield* log.about(ids, ["redriven", "discarded", "resolved"], since)) {
    const found = Option.getOrUndefined(yield* log.at("EVENTS", sequence))
    const event = found && decodeSaid(found.text)
    if (event) said.set(event.cause, event)
  }
  return said
})

const decodeSaid = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Union([events.redriven, events.discarded, events.resolved]))
)

/** By so much the clock of who gave it up may be ahead. */
const clockErrorMillis = 60_000

const nextTry = ({ attempt, message }: DeadLetter) => attemptEventId(message.id, attempt + 1, "redriven")

/** Those that were sent again, by a letter that somebody kept once more since, or could not remove. */
const redrivenOf = Effect.fnUntraced(function* (letters: ReadonlyArray<DeadLetter>) {
  const { idsSince } = yield* EventLog
  const since = Math.min(...letters.map(({ at }) => toMillis(at))) - clockErrorMillis
  return yield* idsSince(["redriven"], Math.max(0, since), { oneOfEach: letters.map((letter) => [nextTry(letter)]) })
})

/** Carried out, and come back as its scheduler was killed: told the same, and what was left to do is done. */
const again = Effect.fnUntraced(function* (name: Decision, { cause, delivery }: Wanted, said: Said, found?: Found) {
  const { remove, replace } = yield* DeadLetterStore
  const reply = replyOf(name, said)
  const isIts =
    found &&
    // One that was stored since nobody has decided on.
    (found.decidedBy === undefined ? found.storedAt <= delivery.time.getTime() : found.decidedBy === cause)
  if (!isIts) return { reply } satisfies Answer as Answer
  const { letter, sequence } = found
  const kept = said.type === "resolved" && said.as === "failed"
  return {
    reply,
    afterwards: kept ? replace({ ...letter, state: "failed" }, sequence) : remove(sequence)
  } satisfies Answer as Answer
})

const replyOf = (name: Decision, said: Said): Reply => {
  switch (said.type) {
    case "discarded":
      return { status: "discarded", id: said.id }
    case "resolved":
      return { status: "resolved", id: said.id, as: said.as }
    case "redriven": {
      const { dueAt, expiresAt, id } = said.message
      return name === "resolve"
        ? { status: "resolved", id, as: "resend" }
        : { status: "redriven", id, dueAt, expiresAt }
    }
  }
}

/** Tries on the letter, anew when another command claimed it in between. */
const decideOn = Effect.fnUntraced(function* (
  name: Decision,
  one: Wanted,
  first: Found | undefined,
  redriven: ReadonlyMap<string, number>,
  now: number
) {
  const store = yield* DeadLetterStore
  const { cause, command, delivery } = one
  const { id } = command
  const refuse = (problem: string, about: { readonly platform?: Platform } = {}): Answer =>
    refused(name, cause, { id, ...about, problems: [{ path: "id", problem }] }, fromMillis(now))
  for (let found = first; ; found = Option.getOrUndefined(yield* store.find(id))) {
    if (!found) return refuse("is unknown: there is no dead letter with this id")
    const { decidedBy, letter, sequence, storedAt } = found
    const { platform } = letter.message
    const isOurs = decidedBy === cause
    if (decidedBy !== undefined && !isOurs && (yield* isCarriedOut(decidedBy, id)))
      return refuse("is of a dead letter that another command has decided on", { platform })
    const goes = { afterwards: store.remove(sequence) }
    if (redriven.has(nextTry(letter)))
      return { ...refuse("is of a message that was sent again since", { platform }), ...goes }
    if (!isOurs && delivery.redelivered && storedAt > delivery.time.getTime())
      return refuse("is of a message that was given up anew since this was decided", { platform })
    const sentAt = name === "discard" ? undefined : (yield* sentAfterAll([letter])).get(id)
    if (sentAt !== undefined)
      return {
        ...refuse(`is of a message that has been sent after all, at ${fromMillis(sentAt)}`, { platform }),
        ...goes
      }
    const decided = decide(name, command, letter, cause, now)
    if (Result.isFailure(decided)) return refused(name, cause, decided.failure, fromMillis(now))
    const place = isOurs ? Option.some(sequence) : yield* store.claim(found, cause)
    if (Option.isNone(place)) continue
    const { event, keep, reply } = decided.success
    const afterwards = keep ? store.replace(keep, place.value) : store.remove(place.value)
    return { event, reply, afterwards } satisfies Answer as Answer
  }
})

/** Or will be: not of one that an operator deleted in the middle of it, say. */
export const isCarriedOut = Effect.fnUntraced(function* (cause: string, id: MessageId) {
  const log = yield* EventLog
  const { sequence, storedAt } = storedAs(cause)
  const waits = Option.exists(yield* log.at("COMMANDS", sequence), (found) => found.storedAt === storedAt)
  return waits || (yield* saidOf([{ cause, command: { id } }])).has(cause)
})
