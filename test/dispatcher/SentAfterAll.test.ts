// Nothing follows what was sent after all: a gateway that was lost in the middle of it is back, and has said so.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { Attempt, Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { acceptedEvent, failedEvent, interrupted } from "#shared/gateway/sending/GatewayEvents.ts"
import { consumerState } from "#shared/nats/layout/Inspect.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { type ConsumerDefinition, consumers, Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { run } from "../../services/dispatcher/Dispatcher.ts"
import { attemptOf } from "../support/Attempts.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { deadLetters, eventsOf } from "../support/Streams.ts"

const now = Date.now()
const first = (id: string, more: Partial<Attempt["message"]> = {}) =>
  attemptOf({ id, dueAt: fromMillis(now - 60_000), expiresAt: fromMillis(now + 60_000), ...more })
const second = (id: string, more: Partial<Attempt["message"]> = {}): Attempt => {
  const attempt = first(id, more)
  return { ...attempt, attempt: 2, failures: 1, possibleDuplicate: true, interruptedSince: attempt.sendAt }
}
const sent = (id: string) => acceptedEvent(first(id), { part: 1, of: 1 }, "1", now)
const lost = (id: string, more: Partial<Attempt["message"]> = {}) => failedEvent(first(id, more), 0, interrupted, now)

/** What the dispatcher says of it, beside what was there: type and message. */
const decides = Effect.fnUntraced(function* (
  consumer: ConsumerDefinition,
  events: ReadonlyArray<Event>,
  due: ReadonlyArray<Attempt> = []
) {
  const { layer, nats } = yield* natsForTest
  yield* Effect.gen(function* () {
    yield* provision([consumers.dispatcherTimers, consumers.dispatcherFailures])
    const { append, publish } = yield* Publisher
    yield* append(events)
    yield* publish(
      due.map((attempt) => ({ subject: Subject.due("telegram"), payload: JSON.stringify(attempt), headers: {} }))
    )
    const dispatcher = yield* Effect.forkChild(run)
    yield* eventually("all settled", consumerState(consumer), (state) => state?.waiting === 0 && state.inHand === 0)
    yield* Fiber.interrupt(dispatcher)
  }).pipe(Effect.provide(layer))
  const said = (yield* eventsOf(nats.url, "carillon.event.>"))
    .slice(events.length)
    .map(({ id, message, type }) => `${type} ${id ?? (message as { readonly id: string }).id}`)
  return { said: said.toSorted(), dead: yield* deadLetters(nats.url) }
})

describe("a message that was sent after all", () => {
  it.live("is neither tried again nor held, though nobody knew when its try failed", () =>
    Effect.gen(function* () {
      const hold = { unknownOutcome: "hold" as const }
      const decided = yield* decides(consumers.dispatcherFailures, [
        sent("resent"),
        sent("held"),
        lost("resent"),
        lost("held", hold),
        lost("still-resent"),
        lost("still-held", hold)
      ])
      assert.deepStrictEqual(decided, {
        said: ["retry-scheduled still-resent", "unknown still-held"],
        dead: ["carillon.dead.telegram.still-held"]
      })
    })
  )

  it.live("has no end by a later try that failed", () =>
    Effect.gen(function* () {
      const blocked = (id: string): Event => ({
        ...{ type: "attempt-failed", at: fromMillis(now), ...second(id) },
        ...{ category: "recipient", reason: "bot-blocked" }
      })
      const decided = yield* decides(consumers.dispatcherFailures, [
        sent("known"),
        blocked("known"),
        blocked("unknown")
      ])
      assert.deepStrictEqual(decided, { said: ["failed unknown"], dead: ["carillon.dead.telegram.unknown"] })
    })
  )

  it.live("is neither sent on its way again nor expired, when the time of its next try has come", () =>
    Effect.gen(function* () {
      const late = { expiresAt: fromMillis(now - 1_000) }
      const { said } = yield* decides(
        consumers.dispatcherTimers,
        [sent("known"), sent("known-late")],
        [second("known"), second("known-late", late), second("unknown"), second("unknown-late", late)]
      )
      assert.deepStrictEqual(said, ["dispatched unknown", "expired unknown-late"])
    })
  )
})
