// What may have been armed before, and comes again when nothing but the timers themselves knows it any more.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { withoutPerson } from "#shared/contract/Erasure.ts"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { submitMessages } from "../../services/scheduler/series/Submitting.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { natsForTest, natsLayerFor } from "../support/Layers.ts"
import { lossyProxy } from "../support/proxies/LossyProxy.ts"
import { maySleep } from "../support/proxies/Slept.ts"
import { eventsOf, pendingTimers, streamCount } from "../support/Streams.ts"

const attempt = (id: string, dueAt: number): Attempt => ({
  message: {
    ...{ id, platform: "telegram", sender: "default", priority: "normal", unknownOutcome: "resend", metadata: {} },
    ...{ recipient: { chatId: "1" }, content: { type: "text", text: `text of ${id}` } },
    ...{ dueAt: fromMillis(dueAt), expiresAt: fromMillis(dueAt + 3_600_000) }
  },
  ...{ attempt: 1, failures: 0, sendAt: fromMillis(dueAt), possibleDuplicate: false }
})

describe("an occurrence that is submitted by a scheduler which is suspended between its event and its timer", () => {
  it.live("is not armed again: another has submitted it meanwhile, and it was sent", () =>
    Effect.gen(function* () {
      const { nats } = yield* natsForTest
      const sleep = yield* maySleep
      const url = yield* lossyProxy(nats.url, (subject) => {
        if (subject.startsWith("carillon.event.scheduled.")) sleep(130_000)
        return false
      })
      yield* Effect.gen(function* () {
        yield* provision([])
        const { append } = yield* Publisher
        const dispatched = attempt("m", Date.now())
        yield* append([{ type: "dispatched", at: dispatched.sendAt, ...dispatched }])
        yield* submitMessages([{ message: dispatched.message, cause: "series.1.2026-12-01" }], Date.now() - 1_000)
        assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 0)
      }).pipe(
        Effect.provide(Layer.provideMerge(Timers.layer, natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL: url }))))
      )
    })
  )
})

describe("what may have been armed before, of a message that was erased since", () => {
  it.live("is not armed: the erasure has taken what guarded against it", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { append, publish } = yield* Publisher
        const { arm } = yield* Timers
        const { message, ...tried } = attempt("m", Date.now())
        const cause = "series.1.2026-12-01"
        yield* append([{ type: "erased", at: message.dueAt, id: "m", platform: "telegram", cause: "erase-1" }])
        yield* publish([eventMessage(withoutPerson({ type: "scheduled", at: message.dueAt, message, cause }), "erase")])
        const since = Date.now() - 1_000
        yield* arm([{ attempt: { message, ...tried, attempt: 2 } }], { since })
        yield* submitMessages([{ message, cause }], since)
        assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 0)
        assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.rejected.>"), [])
      }).pipe(Effect.provide(Layer.provideMerge(Timers.layer, layer)))
    })
  )
})

describe("timers that may have been armed before", () => {
  it.live("send nothing on its way of which another stands", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { arm } = yield* Timers
        const now = Date.now()
        // As a reschedule left it, of which the command that scheduled it knows nothing.
        yield* arm([{ attempt: attempt("later", now + 86_400_000), cause: "command-2-2", changedBy: "command-2-2" }])
        const again = { since: now - 1_000 }
        yield* arm([{ attempt: attempt("later", now) }, { attempt: attempt("lost", now) }], again)
        assert.lengthOf(yield* pendingTimers(nats.url), 1)
        // Beside the timer that stands, the one that was lost: on its way at once.
        assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 2)
      }).pipe(Effect.provide(Layer.provideMerge(Timers.layer, layer)))
    })
  )
})
