// Cancels of messages that were given up: each is kept as a dead letter, and would go out by an operator's word for all of
// them. So it is discarded. Its outcome stays the one it had: it failed.
import { Effect, Option, Result, Schema } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import { possiblyArrived } from "#shared/contract/Doubt.ts"
import { events } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { sentAfterAll } from "#shared/nats/stores/SentAfterAll.ts"
import { type Answer, type Command, causeOf } from "../commands/Answer.ts"
import { isCarriedOut } from "./Deciding.ts"

/**
 * Nothing of those that have no dead letter, or one that is about to be sent. One whose outcome nobody knows is not theirs
 * to decide: it may have arrived.
 */
export const discardGivenUp = Effect.fnUntraced(function* <A extends Command>(cancels: ReadonlyArray<A>, now: number) {
  const answers = new Map<A, Answer>()
  const discard = Effect.fnUntraced(function* (cancel: A) {
    const { delivery, id, reason } = cancel
    const store = yield* DeadLetterStore
    const found = Option.getOrUndefined(yield* store.find(id))
    if (found?.letter.state !== "failed") return
    const { decidedBy, letter, sequence, storedAt } = found
    const { platform } = letter.message
    const cause = causeOf(delivery)
    const isOurs = decidedBy === cause
    if (decidedBy !== undefined && !isOurs && (yield* isCarriedOut(decidedBy, id))) return
    // Carried out, and its dead letter not removed yet; or sent after all, as a gateway says that was thought lost.
    const redriven = attemptEventId(id, letter.attempt + 1, "redriven")
    const { idsSince } = yield* EventLog
    if ((yield* idsSince(["redriven"], storedAt, { oneOfEach: [[redriven]] })).has(redriven)) return
    if ((yield* sentAfterAll([letter])).has(id)) return
    const claimed = isOurs ? Option.some(sequence) : yield* store.claim(found, cause)
    if (Option.isNone(claimed)) return
    const why = { cause, ...(reason === undefined ? {} : { reason }) }
    answers.set(cancel, {
      reply: { status: "cancelled", id, ...possiblyArrived(letter) },
      event: { type: "discarded", at: fromMillis(now), id, platform, ...why },
      afterwards: store.remove(claimed.value)
    })
  })
  yield* Effect.forEach(cancels, discard, { concurrency: 20 })
  return answers
})

const decodeEnd = decodeWith(Schema.Union([events.cancelled, events.failed]))

/** Those of which the log says that nothing is sent of them any more, as cancelled or dropped: with the answer to a cancel. */
export const cancelledBefore = Effect.fnUntraced(function* (cancels: ReadonlyArray<Command>, since: number) {
  const answers = new Map<MessageId, Answer>()
  if (cancels.length === 0) return answers
  const { about, at } = yield* EventLog
  const heard = yield* about(new Set(cancels.map(({ id }) => id)), ["cancelled", "discarded", "failed"], since)
  for (const [id, own] of Map.groupBy(heard, (one) => one.id)) {
    if (own.every(({ type }) => type === "failed")) continue
    const end = own.findLast(({ type }) => type !== "discarded")
    const found = Option.getOrUndefined(yield* at("EVENTS", end?.sequence ?? 0))
    const said = found && Result.getOrUndefined(decodeEnd(found.text))
    answers.set(id, { reply: { status: "cancelled", id, ...(said?.possiblyArrived ? { possiblyArrived: true } : {}) } })
  }
  return answers
})
