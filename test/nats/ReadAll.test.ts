// Reading all that a stream holds ends, whatever goes from it meanwhile: a service that reads for ever sends nothing.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Nats } from "#shared/nats/Nats.ts"
import { provision } from "#shared/nats/Provision.ts"
import { Publisher } from "#shared/nats/Publisher.ts"
import { readAll } from "#shared/nats/ReadAll.ts"
import { natsForTest } from "../support/Layers.ts"

describe("reading all of a stream", () => {
  it.live("leaves no consumer behind: nats-server has only so many for a stream", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const { js, manager } = yield* Nats
        const read = (enough?: () => boolean) =>
          Effect.promise(() => readAll(js, "DEAD", {}, () => {}, enough ? { enough } : {}))
        yield* read()
        yield* publish([1, 2, 3].map((n) => ({ subject: `carillon.dead.telegram.m-${n}`, payload: "{}", headers: {} })))
        yield* read()
        yield* read(() => true)
        const { state } = yield* Effect.promise(() => manager.streams.info("DEAD"))
        assert.strictEqual(state.consumer_count, 0)
      }).pipe(Effect.provide(layer))
    })
  )

  it.live("ends although its last message went when it was already counted", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const { js, manager } = yield* Nats
        yield* publish([1, 2, 3].map((n) => ({ subject: `carillon.dead.telegram.m-${n}`, payload: "{}", headers: {} })))
        const seen: Array<number> = []
        yield* Effect.promise(() =>
          readAll(
            js,
            "DEAD",
            {},
            ({ seq }) => {
              seen.push(seq)
              // One at a time is on its way: the second by now, the third not yet.
              if (seq === 1) void manager.streams.deleteMessage("DEAD", 3)
            },
            { ahead: 1 }
          )
        ).pipe(Effect.timeout("30 seconds"))
        assert.deepStrictEqual(seen, [1, 2])
      }).pipe(Effect.provide(layer))
    })
  )
})
