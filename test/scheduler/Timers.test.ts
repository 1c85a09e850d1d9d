// What may have been armed before, and comes again when nothing but the timers themselves knows it any more.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Timers } from "../../services/scheduler/Timers.ts"
import { natsForTest } from "../support/Layers.ts"
import { pendingTimers, streamCount } from "../support/Streams.ts"

const attempt = (id: string, dueAt: number): Attempt => ({
  message: {
    ...{ id, platform: "telegram", sender: "default", priority: "normal", unknownOutcome: "resend", metadata: {} },
    ...{ recipient: { chatId: "1" }, content: { type: "text", text: `text of ${id}` } },
    ...{ dueAt: fromMillis(dueAt), expiresAt: fromMillis(dueAt + 3_600_000) }
  },
  ...{ attempt: 1, failures: 0, sendAt: fromMillis(dueAt), possibleDuplicate: false }
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
