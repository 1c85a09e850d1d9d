// What a call needs first is held from when it is there until the call was made, and for no longer than that may take.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import type { Preparation } from "#shared/gateway/Platform.ts"
import { type Entry, entryOf } from "#shared/gateway/sending/Entry.ts"
import { InHand } from "#shared/gateway/sending/InHand.ts"
import { keptMillis, prepare } from "#shared/gateway/sending/Preparing.ts"
import { Turns } from "#shared/gateway/sending/Turns.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { attemptOf } from "../support/Attempts.ts"

const at = fromMillis(1_000)
const entryFor = (seq: number) =>
  entryOf(attemptOf({ dueAt: at, expiresAt: at }), { chatId: "1" }, "1", { seq } as Delivery, {
    headers: {},
    end: () => {}
  })

/** The first of two messages to one chat has its turn, and wants what `call` gets. */
const wanting = Effect.fnUntraced(function* (call: (held: { count: number }) => Preparation["prepare"]) {
  const held = { count: 0 }
  const events: Array<Event> = []
  const turns = new Turns(() => 0)
  for (const seq of [1, 2]) turns.add(entryFor(seq))
  const next = () => turns.next(2_000)
  const entry = next() as Entry
  const desk = { now: () => 2_000, record: (_: Entry, event: Event) => events.push(event), signal: () => {}, turns }
  yield* Effect.forkChild(prepare(desk, entry, { prepare: call(held) }), { startImmediately: true })
  return { entry, events, held, next }
})

const holding = (held: { count: number }): Preparation["prepare"] =>
  Effect.as(
    Effect.acquireRelease(
      Effect.sync(() => held.count++),
      () => Effect.sync(() => held.count--)
    ),
    Effect.succeed(Outcome.Accepted({ providerMessageId: "1" }))
  )

describe("what a call needs first", () => {
  it.effect("is held until the call was made; its message has its turn before who waits behind it", () =>
    Effect.gen(function* () {
      const { entry, held, next } = yield* wanting(holding)
      assert.strictEqual(next(), entry)
      const { ready } = entry
      entry.ready = undefined
      yield* TestClock.adjust(2 * keptMillis)
      assert.strictEqual(held.count, 1, "however long that takes")
      ready?.over()
      yield* Effect.yieldNow
      assert.strictEqual(held.count, 0)
    })
  )

  it.effect("is let go if the message may not be sent for long, and to be got anew", () =>
    Effect.gen(function* () {
      const { entry, held, next } = yield* wanting(holding)
      yield* TestClock.adjust(keptMillis)
      assert.deepStrictEqual([held.count, entry.ready], [0, undefined])
      assert.isDefined(next())
    })
  )

  it.effect("is let go when the message goes to another, or has its end without having been sent", () =>
    Effect.gen(function* () {
      const { entry, held } = yield* wanting(holding)
      assert.strictEqual(held.count, 1)
      new InHand().settled(entry)
      yield* Effect.yieldNow
      assert.strictEqual(held.count, 0)
    })
  )

  it.effect("and cannot be had is why the message was not sent, and nobody waits for it", () =>
    Effect.gen(function* () {
      const missing = Outcome.RejectedContent({ reason: "file-missing" })
      const { entry, events, next } = yield* wanting(() => Effect.fail(missing))
      assert.deepInclude(events[0], { type: "attempt-failed", category: "content", reason: "file-missing" })
      assert.notStrictEqual(next(), entry)
    })
  )
})
