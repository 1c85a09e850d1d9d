// Gives back to the timers what somebody wants to change and what waits here for a limit, a brake or an operator: a message
// is changed where its timer stands, and nowhere else. If it is not changed it comes again, a little later.
import { Effect, Queue } from "effect"
import { lastInstant } from "#shared/contract/Deadline.ts"
import { askedBack } from "#shared/nats/messages/AskingBack.ts"
import type { Desk } from "../sender/Desk.ts"
import type { Entry } from "./Entry.ts"
import { givenBackEvent } from "./GatewayEvents.ts"

/** So long its timer stands, less its lead: whoever asked looks again after half a second. */
const standsMillis = 8_000

/** What goes on time is not made late for somebody who may not get to change it. */
const heldMillis = 250

/** What has begun is finished; and what nears its deadline must not expire on its way back. */
export const mayGiveBack = ({ attempt, partsSent, sendAt }: Entry, now: number) =>
  now - sendAt > heldMillis &&
  partsSent === (attempt.partsSent ?? 0) &&
  lastInstant(attempt.message, partsSent) - now > 3 * standsMillis

/** Runs until interrupted. Only what waits: what is not stored as given back is in the queue as it was. */
export const giveBack = (desk: Desk) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { now: clock, record, signal, turns } = desk
      const asked = yield* askedBack
      while (true) {
        const ids: ReadonlySet<string> = new Set(yield* Queue.takeBetween(asked, 1, 500))
        const now = clock()
        const meant = (entry: Entry) => ids.has(entry.attempt.message.id) && mayGiveBack(entry, now)
        for (const entry of turns.remove(meant))
          record(entry, givenBackEvent(entry.attempt, entry.partsSent, standsMillis, now))
        signal()
      }
    })
  )
