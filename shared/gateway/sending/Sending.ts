// The second step of a gateway: lets each message go when its turn has come and the limits allow it; records the intent
// before the platform is called.
import { Effect, Option, Queue, type Scope } from "effect"
import { lastInstant } from "#shared/contract/Deadline.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import type { Preparation } from "../Platform.ts"
import { aheadMillis, type Desk, gatherMillis, hearOrdersAfter } from "../sender/Desk.ts"
import { type Begun, leaveOut, notSent, putBack } from "./Begun.ts"
import type { Entry, Ready } from "./Entry.ts"
import {
  acceptedEvent,
  expiredEvent,
  failedEvent,
  heldEvent,
  noSuchPart,
  optedOut,
  paused,
  startedEvent
} from "./GatewayEvents.ts"
import { calling } from "./Observed.ts"
import { prepare } from "./Preparing.ts"
import { needsSecondLook, stillToSend } from "./SecondLook.ts"

/** Runs until interrupted. Sends under way go on in `scope`, and end in an outcome. */
export const letGo = (desk: Desk, scope: Scope.Scope) =>
  Effect.gen(function* () {
    const { allowance, changed, lease, turns } = desk
    while (true) {
      const begunAt = desk.now()
      const { begun, wanting } = begin(desk, begunAt)
      for (const { call, entry } of wanting) yield* Effect.forkIn(prepare(desk, entry, call), scope)
      if (begun.length > 0) {
        const unsure = begun.filter(({ entry }) => needsSecondLook(entry, begunAt))
        const sure = begun.filter((one) => !unsure.includes(one))
        // To look takes a while, in which the others need not wait.
        if (unsure.length > 0) yield* Effect.forkIn(lookAndSend(desk, scope, unsure), scope)
        if (sure.length > 0) yield* intendAndSend(desk, scope, sure)
        yield* Effect.sleep(gatherMillis(begun.length))
      } else {
        const now = desk.now()
        const slotsAt = allowance.slotsAt(now)
        const turnAt = turns.nextAt(now)
        const known = slotsAt === undefined || turnAt === undefined ? longest : Math.max(slotsAt, turnAt) - now
        const wait = lease.holds() ? known : leaseLookMillis
        yield* Effect.timeoutOption(Queue.take(changed), Math.min(longest, Math.max(1, wait)))
      }
    }
  })

const longest = 60_000
/** While it is not sure, for a second or two, until it is renewed or lost. */
const leaseLookMillis = 50

/**
 * Takes whose turn it is, as many as may go now; none once another may be the active one. Those who want something first do not
 * count as sends.
 */
const begin = (desk: Desk, now: number) => {
  const { allowance, hearer, lease, record, sender, turns } = desk
  const begun: Array<Begun> = []
  const wanting: Array<{ readonly entry: Entry; readonly call: Preparation }> = []
  while (lease.holds() && allowance.slots(now) > 0) {
    const entry = turns.next(now)
    if (!entry) break
    if (allowance.tooLate(entry, now)) {
      record(entry, expiredEvent(entry.attempt, entry.partsSent, now))
      turns.ended(entry.recipient)
      continue
    }
    const message = { ...entry.attempt.message, recipient: entry.to }
    const calls = entry.calls ?? sender.calls(message, entry.attempt, hearer.contacts.nameOf)
    entry.calls = calls
    const { ready } = entry
    if (ready) entry.ready = undefined
    const call = ready?.send ?? calls[entry.partsSent]
    const part = { part: entry.partsSent + 1, of: calls.length }
    if (call && "prepare" in call) wanting.push({ entry, call })
    else if (call) begun.push({ entry, send: call, part, end: ending(allowance.begin(entry.recipient, now), ready) })
    else {
      record(entry, failedEvent(entry.attempt, entry.partsSent, noSuchPart, now))
      turns.ended(entry.recipient)
    }
  }
  return { begun, wanting }
}

const ending = (end: Begun["end"], ready: Ready | undefined): Begun["end"] =>
  ready
    ? (outcome, now) => {
        ready.over()
        end(outcome, now)
      }
    : end

const lookAndSend = Effect.fnUntraced(function* (desk: Desk, scope: Scope.Scope, begun: ReadonlyArray<Begun>) {
  const left = yield* stillToSend(desk, begun)
  if (left.length > 0) yield* intendAndSend(desk, scope, left)
})

/** Stopped meanwhile, it waits for what NATS says of intents on their way: those that stand are sent, others given back. */
const intendAndSend = (desk: Desk, scope: Scope.Scope, begun: ReadonlyArray<Begun>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { append } = yield* Publisher
      const now = desk.now()
      const { lease } = desk
      let stand = false
      const intents = append(
        begun.map(({ entry, part }) => startedEvent(entry.attempt, entry.to, part, now)),
        undefined,
        begun.map(({ entry }) => entry.span.headers)
      ).pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            stand = true
            for (const { entry } of begun) entry.intent = lease.holds() ? "ours" : "late"
          })
        ),
        Effect.uninterruptible
      )
      const stored = yield* Effect.exit(restore(persistently(intents)))
      if (stand) yield* hearOrdersAfter(desk, now)
      for (const one of begun) {
        if (stand) yield* Effect.forkIn(send(desk, one), scope)
        else putBack(desk, one)
      }
      return yield* stored
    })
  )

const send = Effect.fnUntraced(function* (desk: Desk, begun: Begun) {
  const { end, entry, part } = begun
  const { allowance, lease, record, signal, turns } = desk
  const refuses = yield* wantsNone(desk, entry)
  yield* lease.sure
  if (!(yield* itsInstant(desk, entry))) return putBack(desk, begun)
  const begunAt = desk.now()
  // Recording the intent may have taken long, with NATS away: then it is too late after all.
  if (allowance.tooLate(entry, begunAt)) {
    leaveOut(desk, begun)
    record(entry, expiredEvent(entry.attempt, entry.partsSent, begunAt))
    return signal()
  }
  if (allowance.orders.paused) {
    leaveOut(desk, begun)
    record(entry, failedEvent(entry.attempt, entry.partsSent, paused, begunAt))
    return signal()
  }
  const answered = calling(entry)
  // Another may be active by now, and has these messages: whoever comes later sends.
  const outcome = refuses ? optedOut : lease.holds() ? yield* begun.send : notSent
  const now = desk.now()
  answered(outcome)
  end(outcome, now)
  const event =
    outcome._tag === "Accepted"
      ? acceptedEvent(entry.attempt, part, outcome.providerMessageId, now)
      : failedEvent(entry.attempt, entry.partsSent, outcome, now)
  // The next part goes before whoever else waits for this recipient: once this one is recorded.
  if (event.type !== "part-sent") turns.ended(entry.recipient)
  record(entry, event)
  signal()
})

/** Waits for it. Answers whether it came: not if the clock was set back meanwhile. */
export const itsInstant = Effect.fnUntraced(function* ({ now }: Pick<Desk, "now">, { sendAt }: Pick<Entry, "sendAt">) {
  for (let wait = sendAt - now(); wait > 0; wait = sendAt - now()) {
    if (wait > aheadMillis) return false
    yield* Effect.sleep(wait)
  }
  return true
})

/** Asked at the last moment: a message may have waited for its turn while its recipient opted out. */
const wantsNone = ({ hearer, sender }: Desk, { to }: Entry) =>
  sender.obeysOptOut
    ? Effect.map(persistently(hearer.contacts.chat(to)), (chat) =>
        Option.exists(chat, ({ optedOut }) => !!optedOut?.is)
      )
    : Effect.succeed(false)

/** It has another channel, and would have to wait for longer than half of what is left. */
const shouldFallBack = ({ allowance }: Desk, { attempt: { message }, partsSent, recipient }: Entry, now: number) =>
  (message.fallback ?? []).length > 0 &&
  now < lastInstant(message) &&
  allowance.refusedUntil(recipient) - now > (lastInstant(message, partsSent) - now) / 2

/**
 * Takes out what waits and is too late by now, and what should go on another channel, whether or not its turn would have come.
 * Runs until interrupted.
 */
export const expire = Effect.fnUntraced(function* (desk: Desk) {
  const { allowance, now: clock, record, signal, turns } = desk
  while (true) {
    yield* Effect.sleep("1 second")
    const now = clock()
    for (const entry of turns.remove((entry) => allowance.tooLate(entry, now)))
      record(entry, expiredEvent(entry.attempt, entry.partsSent, now))
    for (const entry of turns.remove((entry) => shouldFallBack(desk, entry, now))) {
      const wait = allowance.refusedUntil(entry.recipient) - now
      record(entry, heldEvent(entry.attempt, entry.partsSent, wait, now))
    }
    allowance.tidy(now, (recipient) => turns.has(recipient))
    signal()
  }
})
