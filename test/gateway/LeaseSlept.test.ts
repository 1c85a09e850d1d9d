// A machine that was suspended: its steady clock stood still meanwhile, its wall clock did not.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { leaseOf } from "#shared/gateway/sender/Lease.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { paused, slept } from "../support/proxies/Slept.ts"
import { purgeSubject } from "../support/Streams.ts"

const held = Effect.gen(function* () {
  yield* provision([])
  const lease = yield* leaseOf("telegram", "default")
  assert.isTrue(lease.holds())
  return { lease, lost: yield* Effect.forkScoped(lease.lost, { startImmediately: true }) }
})

describe("a gateway whose machine slept for longer than its lease", () => {
  it.live("does not hold it, from the moment it wakes, until it has renewed it", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        const { lease, lost } = yield* held
        yield* slept(5_000)
        assert.isFalse(lease.holds())
        yield* lease.sure
        assert.isTrue(lease.holds())
        assert.isUndefined(lost.pollUnsafe())
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )

  it.live("nor if all of its clocks stood still, from the moment it hears that of NATS's", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        const { clock } = yield* Nats
        const { lease } = yield* held
        yield* clock.look
        yield* paused(60_000)
        yield* clock.look
        assert.isFalse(lease.holds())
        yield* eventually("renewed", Effect.sync(lease.holds), (holds) => holds)
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )

  it.live("has lost it if another took it meanwhile", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* Effect.gen(function* () {
        const { lease, lost } = yield* held
        yield* slept(5_000)
        yield* purgeSubject(nats.url, "SENDERS", "carillon.sender.telegram.default.lease")
        const other = yield* leaseOf("telegram", "default")
        yield* lease.sure
        yield* Fiber.join(lost)
        assert.isFalse(lease.holds())
        assert.isTrue(other.holds())
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )
})
