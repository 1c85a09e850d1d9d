// A mailbox: what nobody has taken stays in NATS, whatever its size, and whoever reads from nothing is told so.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, type Scope } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers, Subject } from "#shared/nats/layout/Topology.ts"
import { type Mailbox, openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { eventually } from "../support/Carillon.ts"
import { paused, slept } from "../support/proxies/Slept.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"

const mailbox = consumers.schedulerCommands

const world = Effect.gen(function* () {
  const { configProvider } = yield* testNatsWith({ extra: ["max_payload: 8MB"] })
  return natsLayer("test").pipe(
    Layer.provideMerge(Readiness.layer),
    Layer.provideMerge(ConfigProvider.layer(configProvider)),
    Layer.fresh
  )
})

const publish = Effect.fnUntraced(function* (sizes: ReadonlyArray<number>) {
  const { js } = yield* Nats
  yield* Effect.forEach(
    sizes,
    (size) => Effect.promise(() => js.publish(Subject.command("schedule"), new Uint8Array(size))),
    { concurrency: 20, discard: true }
  )
})

/** Given to somebody and not acknowledged. */
const given = Effect.gen(function* () {
  const { manager } = yield* Nats
  const { num_ack_pending } = yield* Effect.promise(() => manager.consumers.info(mailbox.stream, mailbox.durable))
  return num_ack_pending
})

/** Takes one after the other, acknowledges nothing, and answers with the most that waited here meanwhile. */
const mostWaiting = Effect.fnUntraced(function* ({ take }: Mailbox, count: number) {
  let most = 0
  for (let taken = 0; taken < count; taken++) {
    most = Math.max(most, (yield* given) - taken)
    yield* take(1)
  }
  return most
})

const takeAll = Effect.fnUntraced(function* ({ take }: Mailbox, count: number) {
  const sizes: Array<number> = []
  while (sizes.length < count) {
    for (const delivery of yield* take(500)) {
      delivery.ack()
      sizes.push(delivery.data.length)
    }
  }
  return sizes
})

/** What is said to whoever waits for the next. */
const told = ({ take }: Mailbox) => Effect.map(Effect.flip(take(1)), ({ message }) => message)

type Given = Layer.Success<Effect.Success<typeof world>> | Scope.Scope

const inWorld = <A, E>(test: Effect.Effect<A, E, Given>) =>
  Effect.flatMap(world, (layer) => Effect.provide(Effect.andThen(provision([mailbox]), test), layer))

describe("a mailbox", () => {
  it.live("leaves large messages in NATS until there is room for them, and brings all", () =>
    inWorld(
      Effect.gen(function* () {
        const sizes = Array.from({ length: 40 }, () => 900_000)
        yield* publish(sizes)
        const opened = yield* openMailbox(mailbox)
        assert.isAtMost(yield* mostWaiting(opened, 10), 17)
        assert.lengthOf(yield* takeAll(opened, 30), 30)
      })
    )
  )

  it.live("leaves small messages in NATS until there is room for them, and brings all", () =>
    inWorld(
      Effect.gen(function* () {
        yield* publish(Array.from({ length: 3_000 }, () => 10))
        const opened = yield* openMailbox(mailbox)
        assert.isAtMost(yield* mostWaiting(opened, 50), 1_000)
        assert.lengthOf(yield* takeAll(opened, 2_950), 2_950)
      })
    )
  )

  it.live("brings messages in the order in which they came", () =>
    inWorld(
      Effect.gen(function* () {
        const sizes = Array.from({ length: 3_000 }, (_, index) => index)
        yield* Effect.forEach(sizes, (size) => publish([size]), { discard: true })
        assert.deepStrictEqual(yield* takeAll(yield* openMailbox(mailbox), sizes.length), sizes)
      })
    )
  )

  it.live("takes for redelivered what a consumer that has forgotten it gives again as if for the first time", () =>
    inWorld(
      Effect.gen(function* () {
        const { manager } = yield* Nats
        const { take } = yield* openMailbox(mailbox)
        const told = (count: number) =>
          Effect.map(Effect.replicateEffect(take(1), count), (batches) =>
            batches.flat().map(({ info, redelivered, seq }) => [seq, info.deliveryCount, redelivered])
          )
        yield* publish([1, 2])
        const first = yield* told(2)
        yield* Effect.promise(() => manager.consumers.reset(mailbox.stream, mailbox.durable, 1))
        yield* publish([3])
        const again = yield* told(3)
        assert.deepStrictEqual(
          { first, again },
          {
            first: [
              [1, 1, false],
              [2, 1, false]
            ],
            again: [
              [1, 1, true],
              [2, 1, true],
              [3, 1, false]
            ]
          }
        )
      })
    )
  )

  it.live("takes for redelivered what was there before it was opened: another may have been given it", () =>
    inWorld(
      Effect.gen(function* () {
        const { clock, manager } = yield* Nats
        yield* publish([1])
        const { state } = yield* Effect.promise(() => manager.streams.info(mailbox.stream))
        const storedAt = Date.parse(state.last_ts)
        yield* eventually("time to go on", Effect.sync(clock.now), (now) => now > storedAt)
        const { take } = yield* openMailbox(mailbox)
        const [delivery] = yield* take(1)
        assert.deepStrictEqual([delivery.info.deliveryCount, delivery.redelivered], [1, true])
      })
    )
  )

  it.live("takes for redelivered what it has when it was suspended: another has been given it since", () =>
    inWorld(
      Effect.gen(function* () {
        const { take } = yield* openMailbox(mailbox)
        yield* publish([1, 2])
        const [inHand] = yield* take(1)
        yield* eventually("on its way", given, (count) => count === 2)
        assert.isFalse(inHand.redelivered)
        yield* slept(60_000)
        const [waiting] = yield* take(1)
        assert.deepStrictEqual([inHand.redelivered, waiting.redelivered], [true, true])
      })
    )
  )

  it.live("takes for redelivered what it has when its machine was paused with all of its clocks", () =>
    inWorld(
      Effect.gen(function* () {
        const { clock } = yield* Nats
        const { take } = yield* openMailbox(mailbox)
        yield* publish([1])
        const [inHand] = yield* take(1)
        yield* clock.look
        yield* paused(60_000)
        yield* clock.look
        assert.isTrue(inHand.redelivered)
      })
    )
  )

  it.live("takes for redelivered what it has had for half of the time after which another is given it", () =>
    inWorld(
      Effect.gen(function* () {
        const { take } = yield* openMailbox({ ...mailbox, ackWaitMillis: 3_000 })
        yield* publish([1])
        const [inHand] = yield* take(1)
        assert.isFalse(inHand.redelivered)
        const doubted = Effect.sync(() => inHand.redelivered)
        yield* eventually("in doubt", doubted, (is) => is)
      })
    )
  )

  it.live("brings a message that is larger than all that it asks for at once", () =>
    inWorld(
      Effect.gen(function* () {
        yield* publish([5_000_000])
        yield* publish([10, 6_000_000])
        const opened = yield* openMailbox(mailbox)
        assert.sameMembers(yield* takeAll(opened, 3), [5_000_000, 10, 6_000_000])
      })
    )
  )

  it.live("gives back at once what was not taken when it closes", () =>
    inWorld(
      Effect.gen(function* () {
        yield* publish(Array.from({ length: 50 }, () => 10))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { take } = yield* openMailbox(mailbox)
            yield* take(1)
            while ((yield* given) < 50) yield* Effect.sleep("10 millis")
          })
        )
        // Far less than the time after which NATS would give them to another by itself.
        const again = yield* Effect.timeout(
          Effect.flatMap(openMailbox(mailbox), (next) => takeAll(next, 49)),
          3_000
        )
        assert.lengthOf(again, 49)
      })
    )
  )

  for (const gone of ["consumer", "stream"] as const) {
    it.live(`fails when its ${gone} is deleted`, () =>
      inWorld(
        Effect.gen(function* () {
          const { manager } = yield* Nats
          const opened = yield* openMailbox(mailbox)
          yield* Effect.promise(() =>
            gone === "consumer"
              ? manager.consumers.delete(mailbox.stream, mailbox.durable)
              : manager.streams.delete(mailbox.stream)
          )
          assert.include(yield* told(opened), "consume scheduler failed")
        })
      )
    )
  }

  it.live("fails when its consumer is deleted while it asks for nothing", () =>
    inWorld(
      Effect.gen(function* () {
        yield* publish(Array.from({ length: 2_000 }, () => 10))
        const { manager } = yield* Nats
        const opened = yield* openMailbox(mailbox)
        let before = -1
        while ((yield* given) !== before) {
          before = yield* given
          yield* Effect.sleep("500 millis")
        }
        assert.isBelow(before, 2_000)
        yield* Effect.promise(() => manager.consumers.delete(mailbox.stream, mailbox.durable))
        while ((yield* Effect.result(opened.take(500)))._tag === "Success");
        assert.include(yield* told(opened), "consume scheduler failed")
      })
    )
  )

  it.live("fails when the connection is closed for good", () =>
    inWorld(
      Effect.gen(function* () {
        const { connection } = yield* Nats
        const opened = yield* openMailbox(mailbox)
        yield* Effect.promise(() => connection.close())
        assert.include(yield* told(opened), "consume scheduler failed")
      })
    )
  )
})
