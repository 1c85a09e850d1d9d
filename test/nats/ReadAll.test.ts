// Reading all that a stream holds ends, whatever goes from it meanwhile: a service that reads for ever sends nothing.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Nats, type NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { readAll } from "#shared/nats/messages/ReadAll.ts"
import { natsForTest } from "../support/Layers.ts"

/** A stream, and how three messages come into it. */
const inWorld = <A, E>(
  use: (dead: Nats["Service"] & { readonly publishThree: Effect.Effect<unknown, NatsError> }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const { layer } = yield* natsForTest
    yield* Effect.gen(function* () {
      yield* provision([])
      const { publish } = yield* Publisher
      const three = [1, 2, 3].map((n) => ({ subject: `carillon.dead.telegram.m-${n}`, payload: "{}", headers: {} }))
      yield* use({ ...(yield* Nats), publishThree: publish(three) })
    }).pipe(Effect.provide(layer))
  })

describe("reading all of a stream", () => {
  it.live("leaves no consumer behind: nats-server has only so many for a stream", () =>
    inWorld(
      Effect.fnUntraced(function* ({ js, manager, publishThree }) {
        const read = (enough?: () => boolean) =>
          Effect.promise(() => readAll(js, "DEAD", {}, () => {}, enough ? { enough } : {}))
        yield* read()
        yield* publishThree
        yield* read()
        yield* read(() => true)
        const { state } = yield* Effect.promise(() => manager.streams.info("DEAD"))
        assert.strictEqual(state.consumer_count, 0)
      })
    )
  )

  it.live("ends although its last message went when it was already counted", () =>
    inWorld(
      Effect.fnUntraced(function* ({ js, manager, publishThree }) {
        yield* publishThree
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
      })
    )
  )
})
