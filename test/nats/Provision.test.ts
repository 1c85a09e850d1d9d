// Making streams and consumers: once, and only looked for where somebody else makes them.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Fiber, Logger, Queue } from "effect"
import { provision } from "#shared/nats/Provision.ts"
import { consumers } from "#shared/nats/Topology.ts"
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
