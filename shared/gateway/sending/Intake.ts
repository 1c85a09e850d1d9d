// The first step of a gateway: takes dispatched messages in hand, ahead of their instant, and finds out what became of
// those that another gateway had in hand when it was killed.
import { Array, Effect, Result } from "effect"
import { poison, redeliveredSince, settle } from "#shared/actor/Actor.ts"
import { decodeToPassOn } from "#shared/actor/Decode.ts"
import { attemptEventId, partEventId } from "#shared/contract/CloudEvents.ts"
import { type Attempt, events } from "#shared/contract/Events.ts"
import type { ConsumerDefinition } from "#shared/nats/layout/Topology.ts"
import { headerOf } from "#shared/nats/messages/Headers.ts"
import { type Delivery, openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import type { Desk } from "../sender/Desk.ts"
import type { Entry } from "./Entry.ts"
import { deferredEvent, endings, failedEvent, interrupted, notLinked } from "./GatewayEvents.ts"
import { lookUp } from "./LookUp.ts"
import { taken } from "./Observed.ts"

const decode = decodeToPassOn(events.dispatched)

/** So many to one recipient are kept in hand: more would hold back all others. Fewer where it is held back itself. */
const mostForOne = { held: 20, free: 500 }
/** How far apart we expect sends to a recipient to be that nothing holds back. */
const freePaceMillis = 20

/** Runs until interrupted, or until its consumer is gone. */
export const takeIn = (desk: Desk, mailbox: ConsumerDefinition) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { take } = yield* openMailbox(mailbox)
      while (true) {
        const batch = yield* take(500)
        yield* persistently(receive(desk, mailbox, batch))
      }
    })
  )

export const receive = Effect.fnUntraced(function* (
  desk: Desk,
  mailbox: ConsumerDefinition,
  deliveries: Array.NonEmptyReadonlyArray<Delivery>
) {
  // Before the log is read: what is in hand may be sent meanwhile, and what is so no more has its end in the log by now.
  const batch = deliveries.filter((delivery) => !desk.inHand.renew(delivery))
  if (!Array.isReadonlyArrayNonEmpty(batch)) return
  const since = redeliveredSince(batch)
  const log = yield* EventLog
  const read = batch.map((delivery) => decode(delivery.string()))
  const attempts = Array.getSuccesses(read)
  const about = new Set(attempts.map(({ message }) => message.id))
  const said =
    since === undefined ? nothing : yield* log.idsSince(telling, since, { about, oneOfEach: endingsOf(batch) })
  const lookedUpAt = desk.now()
  const chats = yield* lookUp(desk.hearer, attempts)
  const unreadable: Array<Delivery> = []
  for (const [index, delivery] of batch.entries()) {
    const decoded = read[index] as (typeof read)[number]
    if (Result.isFailure(decoded)) {
      unreadable.push(delivery)
      continue
    }
    const attempt = decoded.success
    const before = delivery.redelivered ? history(attempt, said) : untouched
    if (before.ended) {
      delivery.ack()
      continue
    }
    const given = attempt.message.recipient
    const to = given.contact === undefined ? given : chats.get(given.contact)
    const recipient = desk.allowance.know({ recipient: to ?? given })
    const entry = desk.inHand.take(delivery, attempt, to ?? given, recipient, () => taken(delivery, attempt))
    if (!entry) continue
    if (given.contact !== undefined) entry.lookedUpAt = lookedUpAt
    entry.partsSent += before.partsSent
    // It was being sent when its gateway was killed: whether it arrived, nobody knows.
    if (before.sending) desk.record(entry, failedEvent(attempt, entry.partsSent, interrupted, desk.now()))
    else if (!to) desk.record(entry, failedEvent(attempt, entry.partsSent, notLinked, desk.now()))
    else queueOrDefer(desk, entry)
  }
  desk.signal()
  yield* settle(
    mailbox,
    unreadable,
    unreadable.map(() => poison("undecodable"))
  )
})

/** Old ones have ended, soon after they were dispatched: then the rest of the log need not be read. */
const endingsOf = (batch: ReadonlyArray<Delivery>) =>
  batch.every(({ redelivered }) => redelivered)
    ? batch.map((delivery) => {
        const [id = "", attempt] = [headerOf(delivery, "ce-subject"), Number(headerOf(delivery, "ce-attempt"))]
        return endings.map((type) => attemptEventId(id, attempt, type))
      })
    : []

/** What was due later goes behind the last one of its recipient that was put off. */
const queueOrDefer = (desk: Desk, entry: Entry) => {
  const { allowance, deferrals, turns } = desk
  const { recipient } = entry
  const now = desk.now()
  const heldPace = allowance.pace(recipient, now)
  const most = heldPace > 0 ? mostForOne.held : mostForOne.free
  const pace = heldPace || freePaceMillis
  const waiting = turns.waitingFor(recipient)
  const last = deferrals.get(recipient) ?? { until: 0, dueAt: Number.POSITIVE_INFINITY }
  const behind = entry.dueAt > last.dueAt && last.until > Math.max(now, entry.sendAt)
  if (waiting < most && !behind) return turns.add(entry)
  const heldUntil = allowance.heldUntil(recipient)
  const until = Math.max(last.until, entry.sendAt, heldUntil, now + waiting * pace) + pace
  deferrals.set(recipient, { until, dueAt: entry.dueAt })
  for (const [key, { until }] of deferrals) if (until < now) deferrals.delete(key)
  desk.record(entry, deferredEvent(entry.attempt, entry.partsSent, until - now, now))
}

interface History {
  readonly ended: boolean
  /** An intent without an outcome. */
  readonly sending: boolean
  /** Parts that this attempt has sent. */
  readonly partsSent: number
}
const untouched: History = { ended: false, sending: false, partsSent: 0 }
const nothing: ReadonlyMap<string, number> = new Map()
const telling = ["send-started", "part-sent", ...endings] as const

/** What the log says of an attempt. */
const history = (
  { message: { id }, attempt, partsSent: before = 0 }: Attempt,
  said: ReadonlyMap<string, number>
): History => {
  const has = (type: (typeof endings)[number]) => said.has(attemptEventId(id, attempt, type))
  let partsSent = 0
  while (said.has(partEventId(id, attempt, before + partsSent + 1, "part-sent"))) partsSent++
  return {
    ended: has("sent") || has("attempt-failed") || has("expired"),
    sending: said.has(partEventId(id, attempt, before + partsSent + 1, "send-started")),
    partsSent
  }
}
