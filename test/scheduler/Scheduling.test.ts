// A command to schedule that is taken for new although another has carried it out: what stands in the log says so.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { Subject } from "#shared/nats/Topology.ts"
import { schedule } from "../../services/scheduler/Scheduling.ts"
import { Timers } from "../../services/scheduler/Timers.ts"
import { command } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { forgetDuplicates, pendingTimers, purgeSubject } from "../support/Streams.ts"

const hour = 3_600_000

/** As NATS gives it for the first time. */
const delivered = (subject: string, payload: string) =>
  ({
    ...{ subject, seq: 1, time: new Date(), redelivered: false, headers: undefined, info: { deliveryCount: 1 } },
    data: Buffer.from(payload)
  }) as unknown as Delivery

describe("a command to schedule that seems new", () => {
  it.live("arms nothing again that has fired since", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        yield* forgetDuplicates(nats.url)
        const { publish } = yield* Publisher
        const { payload, subject } = command("m", hour)
        const carryOut = schedule([delivered(subject, payload)], {
          now: Date.now(),
          maxLateness: () => hour,
          settled: (message) => message,
          unsendable: () => []
        })
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
