// Publishing many at once: what a nats-server of the pinned version does with duplicates, expectations and order.
import { assert, describe, it } from "@effect/vitest"
import { JetStreamApiError } from "@nats-io/jetstream"
import { ConfigProvider, Effect, Exit } from "effect"
import { vi } from "vitest"
import type { Event } from "#shared/contract/Events.ts"
import { Nats, NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { eventMessage, isConflict, type Outgoing, onceDecided, Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { natsForTest, natsLayerFor } from "../support/Layers.ts"
import { lossyProxy } from "../support/proxies/LossyProxy.ts"
import { maySleep, paused } from "../support/proxies/Slept.ts"
import { eventsOf, forgetDuplicates } from "../support/Streams.ts"

const message = (id: string, more: Partial<Outgoing> = {}): Outgoing => ({
  subject: `carillon.event.scheduled.telegram.${id}`,
  payload: JSON.stringify({ id }),
  headers: {},
  ...more
})
const ids = (count: number, prefix = "m") => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

const publishing = <A, E>(
  body: (tools: {
    readonly url: string
    readonly publisher: Publisher["Service"]
    readonly stored: Effect.Effect<ReadonlyArray<unknown>>
  }) => Effect.Effect<A, E, EventLog | Nats>
) =>
  Effect.gen(function* () {
    const { nats, layer } = yield* natsForTest
    return yield* Effect.gen(function* () {
      yield* provision([])
      const publisher = yield* Publisher
      const stored = Effect.map(eventsOf(nats.url, "carillon.event.>"), (found) => found.map(({ id }) => id))
      return yield* body({ url: nats.url, publisher, stored })
    }).pipe(Effect.provide(layer))
  })

describe("publishing", () => {
  for (const count of [1, 7, 8, 500, 1_203]) {
    it.live(`${count} at once stores every one, in order`, () =>
      publishing(({ publisher, stored }) =>
        Effect.gen(function* () {
          const fates = yield* publisher.publish(ids(count).map((id) => message(id)))
          assert.deepStrictEqual(fates, Array(count).fill("stored"))
          assert.deepStrictEqual(yield* stored, ids(count))
        })
      )
    )
  }

  it.live("what was published before drops it, and stores the rest", () =>
    publishing(({ publisher, stored }) =>
      Effect.gen(function* () {
        const withId = (id: string) => message(id, { messageId: id })
        yield* publisher.publish(ids(20).map(withId))
        const fates = yield* publisher.publish(ids(40).map(withId))
        assert.deepStrictEqual(fates, Array(40).fill("stored"))
        assert.deepStrictEqual(yield* stored, ids(40))
      })
    )
  )

  it.live("create only tells which ones were there already", () =>
    publishing(({ publisher, stored }) =>
      Effect.gen(function* () {
        const create = (id: string) => message(id, { expectedSequence: 0 })
        yield* publisher.publish([create("m-3"), create("m-17")])
        const fates = yield* publisher.publish(ids(20).map(create))
        const conflicts = fates.flatMap((fate, index) => (fate === "conflict" ? [index] : []))
        // A batch says only that one failed; asked one by one, those that the batch had stored conflict with themselves.
        assert.includeMembers(conflicts, [3, 17])
        assert.sameMembers([...(yield* stored)], ids(20))
      })
    )
  )

  it.live("what got lost on its way in the middle of a batch is not taken for stored", () =>
    Effect.gen(function* () {
      const { nats } = yield* natsForTest
      const twentieth = /\.20\.1\.\$FI /
      const url = yield* lossyProxy(nats.url, (_, frame) => twentieth.test(frame.toString("latin1", 0, 200)))
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const fates = yield* publish(ids(40).map((id) => message(id, { messageId: id })))
        const stored = yield* eventsOf(nats.url, "carillon.event.>")
        assert.deepStrictEqual(fates, Array(40).fill("stored"))
        assert.sameMembers(
          stored.map(({ id }) => id),
          ids(40)
        )
      }).pipe(Effect.provide(natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL: url }))))
    })
  )

  it.live("what may be stored is not published again once NATS may have forgotten it", () =>
    Effect.gen(function* () {
      const { nats } = yield* natsForTest
      const sleep = yield* maySleep
      const twentieth = /\.20\.1\.\$FI /
      const url = yield* lossyProxy(nats.url, (_, frame) => {
        if (!twentieth.test(frame.toString("latin1", 0, 200))) return false
        sleep(61_000)
        return true
      })
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const published = yield* Effect.result(publish(ids(40).map((id) => message(id, { messageId: id }))))
        assert.strictEqual(published._tag, "Failure")
        assert.isBelow((yield* eventsOf(nats.url, "carillon.event.>")).length, 40)
      }).pipe(Effect.provide(natsLayerFor(ConfigProvider.fromUnknown({ NATS_URL: url }))))
    })
  )

  it.live("fails, and does not hang, when NATS is gone", () =>
    Effect.gen(function* () {
      const { nats, layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        yield* nats.stop
        const result = yield* Effect.result(publish(ids(20).map((id) => message(id))))
        assert.strictEqual(result._tag, "Failure")
        yield* nats.start
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("appending what may have been said before", () => {
  const event = (id: string): Event => ({
    type: "expired",
    at: "2026-12-01T09:00:00.000Z",
    id,
    platform: "telegram",
    attempt: 1,
    expiresAt: "2026-12-01T09:00:00.000Z"
  })

  it.live("leaves out what stands in the log, even when NATS has forgotten the ids", () =>
    publishing(({ url, publisher, stored }) =>
      Effect.gen(function* () {
        const log = yield* EventLog
        yield* forgetDuplicates(url)
        const since = Date.now() - 60_000
        yield* publisher.append(ids(10).map(event))
        yield* Effect.repeat(log.extent, { until: ({ last }) => last === 10 })
        yield* Effect.sleep(200)
        yield* publisher.append(ids(20).map(event), since)
        assert.deepStrictEqual(yield* stored, ids(20))
      })
    )
  )

  it.live("and when all clocks here stood still meanwhile", () =>
    publishing(({ publisher, stored }) =>
      Effect.gen(function* () {
        const { clock } = yield* Nats
        yield* clock.look
        const since = clock.now()
        // As if NATS had forgotten it: without its id.
        const { messageId: _, ...said } = eventMessage(event("m-0"), "test")
        yield* publisher.publish([said])
        yield* paused(130_000)
        yield* clock.look
        yield* publisher.append(ids(2).map(event), since)
        assert.deepStrictEqual(yield* stored, ids(2))
      }).pipe(Effect.scoped)
    )
  )

  it.live("and when the clock here is far behind the one by which it was stored", () =>
    publishing(({ url, publisher, stored }) =>
      Effect.gen(function* () {
        const { clock } = yield* Nats
        yield* clock.look
        yield* forgetDuplicates(url)
        const since = Date.now() - 60_000
        yield* publisher.append(ids(10).map(event))
        yield* Effect.sleep(200)
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            const now = Date.now
            return vi.spyOn(Date, "now").mockImplementation(() => now() - 300_000)
          }),
          (spy) => Effect.sync(() => spy.mockRestore())
        )
        assert.approximately(Date.now() - clock.now(), -300_000, 500)
        yield* publisher.append(ids(20).map(event), since)
        assert.deepStrictEqual(yield* stored, ids(20))
      }).pipe(Effect.scoped)
    )
  )
})

describe("appending what was redelivered", () => {
  it.live("goes on when the log could not be looked up at first", () =>
    Effect.gen(function* () {
      const { nats, layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        const { append } = yield* Publisher
        const event: Event = {
          type: "expired",
          at: "2026-12-01T09:00:00.000Z",
          id: "m-0",
          platform: "telegram",
          attempt: 1,
          expiresAt: "2026-12-01T08:59:00.000Z"
        }
        const before = yield* Effect.exit(append([event], 0))
        assert.isTrue(Exit.isFailure(before), "there is no log yet")
        yield* provision([])
        yield* append([event], 0)
        assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.>"), 1)
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("a publish of which the cluster has not decided yet", () => {
  // As nats-server says it while another one under the same subject is on its way; staged three servers would not say it.
  const answering = (code: number, times: number) => {
    let asked = 0
    const publish = Effect.suspend(() =>
      ++asked > times
        ? Effect.succeed(asked)
        : Effect.fail(
            new NatsError({
              operation: "publish",
              cause: new JetStreamApiError({ code: 400, err_code: code, description: "wrong last sequence" })
            })
          )
    )
    return onceDecided(publish)
  }
  it.live("is asked again in a moment, and what is decided is told at once", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answering(10164, 2), 3)
      assert.isTrue(isConflict(yield* Effect.flip(answering(10071, 1))))
      assert.isFalse(isConflict(yield* Effect.flip(answering(10164, 100))))
    })
  )
})
