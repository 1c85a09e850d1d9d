// Making streams and consumers: once, and only looked for where somebody else makes them; and taking them back.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Fiber, Logger, Queue } from "effect"
import { attempt, Nats } from "#shared/nats/connection/Nats.ts"
import { durables, senders } from "#shared/nats/layout/Inspect.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { retire } from "#shared/nats/layout/Retire.ts"
import { consumers, fixedConsumers, gatewayConsumers, Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { natsForTest } from "../support/Layers.ts"
import { deleteStream } from "../support/Streams.ts"

const mailboxes = [consumers.dispatcherTimers, consumers.dispatcherFailures]

const provisioning = (layer: Effect.Success<typeof natsForTest>["layer"], manage: "auto" | "none") =>
  provision(mailboxes).pipe(
    Effect.provide(
      ConfigProvider.layerAdd(ConfigProvider.fromUnknown({ STREAMS_MANAGE: manage }), { asPrimary: true })
    ),
    Effect.provide(layer)
  )

describe("streams and consumers", () => {
  it.live("are made once, and made again where one is gone", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      yield* provisioning(layer, "auto")
      yield* provisioning(layer, "auto")
      yield* provisioning(layer, "none")
      yield* deleteStream(nats.url, "OBJ_carillon-files")
      yield* provisioning(layer, "auto")
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(provisioning(layer, "none"))))
    })
  )

  it.live("that somebody else makes are waited for, and it is said which", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      const said = yield* Queue.unbounded<string>()
      const listening = Logger.layer([Logger.make(({ message }) => Queue.offerUnsafe(said, String(message)))])
      const saidOf = (what: string): Effect.Effect<string> =>
        Effect.flatMap(Queue.take(said), (line) => (line.includes(what) ? Effect.succeed(line) : saidOf(what)))
      const service = yield* Effect.forkChild(Effect.provide(provisioning(layer, "none"), listening))
      assert.include(yield* saidOf("stream COMMANDS"), "`carillon nats provision`")
      yield* provisioning(layer, "auto")
      yield* Fiber.join(service)
      yield* deleteStream(nats.url, "OBJ_carillon-files")
      const another = yield* Effect.forkChild(Effect.provide(provisioning(layer, "none"), listening))
      yield* saidOf("object store carillon-files")
      yield* provisioning(layer, "auto")
      yield* Fiber.join(another)
    })
  )
})

describe("a sender that is given up", () => {
  it.live("is missed no more, once nobody sends by it and nothing waits for it", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      const north = { platform: "telegram", sender: "north" } as const
      yield* Effect.gen(function* () {
        yield* provision([...fixedConsumers, ...gatewayConsumers("telegram", "north")], "auto")
        const { publish } = yield* Publisher
        const { js } = yield* Nats
        const store = (subject: string) => publish([{ subject, payload: "{}", headers: {} }])
        yield* store(Subject.sender("telegram", "north", "profile"))
        const lease = yield* attempt("hold", () => js.publish(Subject.sender("telegram", "north", "lease")))
        const seen = { platform: "telegram", sender: "north" }
        assert.deepStrictEqual(yield* senders, [{ ...seen, active: true, hasRun: true }])
        assert.match((yield* Effect.flip(retire(north))).message, /A gateway is active for telegram north/)

        const { manager } = yield* Nats
        yield* attempt("let go", () => manager.streams.deleteMessage("SENDERS", lease.seq))
        assert.deepStrictEqual(yield* senders, [{ ...seen, active: false, hasRun: true }])
        yield* store(Subject.dispatched("telegram", "north", "normal"))
        assert.match((yield* Effect.flip(retire(north))).message, /1 messages wait for telegram north/)

        yield* attempt("send it", () => manager.streams.purge("EVENTS"))
        yield* retire(north)
        yield* retire(north)
        assert.deepStrictEqual(yield* senders, [])
        assert.sameMembers(
          (yield* durables).map(({ durable }) => durable),
          fixedConsumers.map(({ durable }) => durable)
        )
      }).pipe(Effect.provide(layer))
    })
  )
})
