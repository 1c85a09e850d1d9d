// What gateways remember: one value a key, taken by one only, kept as long as asked.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"

const withMemory = <A, E>(body: (memory: Memory["Service"]) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const { layer } = yield* natsForTest
    return yield* Effect.andThen(provision([]), Effect.flatMap(Memory, body)).pipe(
      Effect.provide(Layer.provideMerge(Memory.layer, layer))
    )
  })

describe("the memory", () => {
  it.live("has the newest value of a key, and finds keys by their beginning", () =>
    withMemory((memory) =>
      Effect.gen(function* () {
        yield* memory.remember("contact", "telegram.north.a", "1")
        yield* memory.remember("contact", "telegram.north.a", "2")
        yield* memory.remember("contact", "telegram.north.b", "3")
        yield* memory.remember("contact", "telegram.south.a", "4")
        assert.strictEqual(Option.getOrThrow(yield* memory.recall("contact", "telegram.north.a")).value, "2")
        assert.deepStrictEqual(
          (yield* memory.all("contact", "telegram.north.")).map(({ key, value }) => [key, value]),
          [
            ["telegram.north.a", "2"],
            ["telegram.north.b", "3"]
          ]
        )
        yield* memory.forget("contact", "telegram.north.a")
        assert.isTrue(Option.isNone(yield* memory.recall("contact", "telegram.north.a")))
        assert.deepStrictEqual(yield* memory.all("contact", "telegram.east."), [])
      })
    )
  )

  it.live("gives what is meant for one to one only", () =>
    withMemory((memory) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* memory.remember("link", "telegram.x.t", "new", { expected: 0 }), "stored")
        assert.strictEqual(yield* memory.remember("link", "telegram.x.t", "other", { expected: 0 }), "conflict")
        const { sequence } = Option.getOrThrow(yield* memory.recall("link", "telegram.x.t"))
        const take = memory.remember("link", "telegram.x.t", "used", { expected: sequence })
        assert.sameMembers([...(yield* Effect.all([take, take], { concurrency: 2 }))], ["stored", "conflict"])
      })
    )
  )

  it.live("forgets by itself what was to be kept for a time", () =>
    withMemory((memory) =>
      Effect.gen(function* () {
        yield* memory.remember("button", "telegram.x.b", "m", { seconds: 1 })
        assert.isTrue(Option.isSome(yield* memory.recall("button", "telegram.x.b")))
        yield* eventually("forgotten", memory.recall("button", "telegram.x.b"), Option.isNone)
      })
    )
  )
})
