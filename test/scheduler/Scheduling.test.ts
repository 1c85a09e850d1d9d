// Commands that are taken for new although another has carried them out: what stands in the log, or in the timer, says so.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import { withoutPerson } from "#shared/contract/Erasure.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { Rules } from "#shared/contract/Submission.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { causeOf } from "../../services/scheduler/commands/Answer.ts"
import { changeTimers } from "../../services/scheduler/commands/Changing.ts"
import { schedule } from "../../services/scheduler/commands/Scheduling.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { attemptOf } from "../support/Attempts.ts"
import { command } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { forgetDuplicates, pendingTimers, purgeSubject, streamCount } from "../support/Streams.ts"

const hour = 3_600_000

/** As NATS gives it for the first time. */
const delivered = (subject: string, payload: string) =>
  ({
    ...{ subject, seq: 1, time: new Date(), redelivered: false, headers: undefined, info: { deliveryCount: 1 } },
    data: Buffer.from(payload)
  }) as unknown as Delivery

const rules = (): Rules => ({
  now: Date.now(),
  maxLateness: () => hour,
  settled: (message) => message,
  unsendable: () => []
})

describe("a command to schedule that seems new", () => {
  it.live("arms nothing of a message that was erased since", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const { payload, subject } = command("m", hour)
        const delivery = delivered(subject, payload)
        const at = fromMillis(Date.now())
        const { message } = attemptOf({ dueAt: at, expiresAt: at })
        const erased = withoutPerson({ type: "scheduled", at, message, cause: causeOf(delivery) })
        yield* publish([eventMessage(erased, "erase")])
        yield* schedule([delivery], rules())
        assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 0)
      }).pipe(Effect.provide(Layer.provideMerge(Timers.layer, layer)))
    })
  )

  it.live("arms nothing again that has fired since", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        yield* forgetDuplicates(nats.url)
        const { publish } = yield* Publisher
        const { payload, subject } = command("m", hour)
        const carryOut = schedule([delivered(subject, payload)], rules())
        yield* carryOut
        assert.deepStrictEqual(yield* pendingTimers(nats.url), [Subject.pending("m")])
        // Fired, by whoever had the command too.
        yield* purgeSubject(nats.url, "TIMERS", Subject.pending("m"))
        const headers = { "ce-id": attemptEventId("m", 1, "dispatched"), "ce-subject": "m" }
        yield* publish([{ subject: Subject.dispatched("telegram", "default", "normal"), payload: "{}", headers }])
        yield* carryOut
        assert.deepStrictEqual(yield* pendingTimers(nats.url), [])
      }).pipe(Effect.provide(Layer.provideMerge(Timers.layer, layer)))
    })
  )
})

describe("a command to reschedule of which the log says nothing yet", () => {
  it.live("does not take away the timer that it has set", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { arm } = yield* Timers
        const dueAt = fromMillis(Date.now() + hour)
        const delivery = delivered(Subject.command("reschedule"), JSON.stringify({ id: "m", dueAt }))
        const cause = causeOf(delivery)
        // Its scheduler was killed before it said so.
        yield* arm([{ attempt: attemptOf({ dueAt, expiresAt: dueAt }), cause, changedBy: cause }])
        const [answer] = yield* changeTimers("reschedule", [delivery], rules())
        assert.deepInclude(answer, { reply: { status: "rescheduled", id: "m", dueAt, expiresAt: dueAt } })
        assert.deepStrictEqual(yield* pendingTimers(nats.url), [Subject.pending("m")])
        assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 1)
      }).pipe(
        Effect.provide(
          Layer.mergeAll(Timers.layer, DeadLetterStore.layer, SeriesStore.layer).pipe(Layer.provideMerge(layer))
        )
      )
    })
  )
})
