// What a dispatcher decided before it was killed stands, though the one that is given its work again, later, would decide
// otherwise.
import { assert, describe, it } from "@effect/vitest"
import type { JsMsg } from "@nats-io/jetstream"
import { ConfigProvider, Effect, Fiber } from "effect"
import type { Attempt, Event, EventOf } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { consumerState } from "#shared/nats/layout/Inspect.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { type ConsumerDefinition, consumers, Subject } from "#shared/nats/layout/Topology.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { onDue, onFailure } from "../../services/dispatcher/Dispatch.ts"
import { run } from "../../services/dispatcher/Dispatcher.ts"
import { attemptOf } from "../support/Attempts.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest, natsLayerFor } from "../support/Layers.ts"
import { lossyProxy } from "../support/proxies/LossyProxy.ts"
import { maySleep } from "../support/proxies/Slept.ts"
import { eventsOf } from "../support/Streams.ts"

const policy = { tiers: [{ attempts: 1, seconds: 1 }], senderWait: 1_000 }

/** Decided in time by one that was killed before it acknowledged; given to another when it is too late. */
const decidedOnce = Effect.fnUntraced(function* (
  consumer: ConsumerDefinition,
  work: (attempt: Attempt) => { readonly subject: string; readonly payload: string },
  decide: (attempt: Attempt, now: number) => Event
) {
  const { layer, nats } = yield* natsForTest
  yield* Effect.gen(function* () {
    yield* provision([consumers.dispatcherTimers, consumers.dispatcherFailures])
    const { js } = yield* Nats
    const { publish } = yield* Publisher
    const expiresAt = Date.now() + 2_000
    const attempt = attemptOf({ dueAt: fromMillis(expiresAt - 1_000), expiresAt: fromMillis(expiresAt) })
    const { payload, subject } = work(attempt)
    const decided = decide(attempt, expiresAt - 1_000)
    yield* publish([{ subject, payload, headers: {} }])
    const taken = yield* Effect.promise(async () => {
      const found = await js.consumers.get(consumer.stream, consumer.durable)
      return (await found.next({ expires: 5_000 })) as JsMsg
    })
    yield* publish([eventMessage(decided, "dispatcher")])
    yield* eventually("it to be too late", Effect.sync(Date.now), (now) => now > expiresAt)
    taken.nak()
    const dispatcher = yield* Effect.forkChild(run)
    yield* eventually(
      "it to be settled",
      consumerState(consumer),
      (state) => state?.waiting === 0 && state.inHand === 0
    )
    yield* Fiber.interrupt(dispatcher)
    const said = (yield* eventsOf(nats.url, "carillon.event.>")).map(({ type }) => type)
    assert.deepStrictEqual(
      said.filter((type) => type !== "attempt-failed"),
      [decided.type]
    )
  }).pipe(Effect.provide(layer))
})

const stored = (work: object) => ({ payload: JSON.stringify(work) })

const failedOf = (attempt: Attempt): EventOf<"attempt-failed"> => ({
  type: "attempt-failed",
  at: attempt.sendAt,
  ...attempt,
  category: "throttled",
  reason: "too-many-requests",
  retryAfterMillis: 100
})

describe("work whose dispatcher is suspended between its dead letter and its decision", () => {
  it.live("is left to what another has decided meanwhile", () =>
    Effect.gen(function* () {
      const { nats } = yield* natsForTest
      const sleep = yield* maySleep
      const url = yield* lossyProxy(nats.url, (subject) => {
        if (subject.startsWith("carillon.dead.")) sleep(130_000)
        return false
      })
      yield* Effect.gen(function* () {
        yield* provision([consumers.dispatcherTimers, consumers.dispatcherFailures])
        const { publish } = yield* Publisher
        const at = fromMillis(Date.now())
        const failed = { ...failedOf(attemptOf({ dueAt: at, expiresAt: at })), category: "content" } as const
        // As if NATS had forgotten that it has it: without its id.
        const { messageId: _, ...decided } = eventMessage(onFailure(failed, policy, Date.now()), "dispatcher")
        yield* publish([decided])
        const dispatcher = yield* Effect.forkChild(run)
        const state = consumerState(consumers.dispatcherFailures)
        yield* eventually("opened", state, (state) => state?.read === true)
        yield* publish([eventMessage(failed, "gateway")])
        yield* eventually("settled", state, (state) => state?.waiting === 0 && state.inHand === 0)
        yield* Fiber.interrupt(dispatcher)
        assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.failed.*"), 1)
      }).pipe(Effect.provide(natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL: url }))))
    })
  )
})

describe("work that was decided on in time, and is given again when it is too late", () => {
  it.live("is not expired if it was dispatched", () =>
    decidedOnce(
      consumers.dispatcherTimers,
      (attempt) => ({ subject: Subject.due("telegram"), payload: JSON.stringify(attempt) }),
      onDue
    )
  )

  for (const [consumer, work] of [
    [consumers.dispatcherTimers, (attempt: Attempt) => ({ subject: Subject.due("telegram"), ...stored(attempt) })],
    [
      consumers.dispatcherFailures,
      (attempt: Attempt) => ({ subject: Subject.events("attempt-failed", "telegram"), ...stored(failedOf(attempt)) })
    ]
  ] as const)
    it.live(`goes no further if its message was erased: ${consumer.durable}`, () =>
      decidedOnce(consumer, work, ({ message: { id, dueAt } }) => ({
        ...{ type: "erased", at: dueAt, id, platform: "telegram", cause: "erase-1" }
      }))
    )

  it.live("is not expired if another try was decided on", () =>
    decidedOnce(
      consumers.dispatcherFailures,
      (attempt) => ({
        subject: Subject.events("attempt-failed", "telegram"),
        payload: JSON.stringify(failedOf(attempt))
      }),
      (attempt, now) => onFailure(failedOf(attempt), policy, now)
    )
  )
})
