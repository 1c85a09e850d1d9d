// What nats-server was told is done, and kept because it could not write, is taken out of a work queue; and nothing else.
import { assert, describe, it } from "@effect/vitest"
import type { JsMsg } from "@nats-io/jetstream"
import { Effect } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { writingOf } from "../../chaos/faults/Disks.ts"
import { removeLeftovers } from "../../services/scheduler/timers/Leftovers.ts"
import { natsForTest } from "../support/Layers.ts"
import { whereAllowed } from "../support/platforms/WhereAllowed.ts"

const dispatcher = consumers.dispatcherTimers

const timers = Effect.gen(function* () {
  const { js, manager } = yield* Nats
  return {
    put: (subject: string) => Effect.promise(() => js.publish(`carillon.timer.${subject}`)),
    take: Effect.promise(async () => {
      const consumer = await js.consumers.get(dispatcher.stream, dispatcher.durable)
      return (await consumer.next({ expires: 5_000 })) as JsMsg
    }),
    floor: Effect.promise(async () => {
      const { ack_floor } = await manager.consumers.info(dispatcher.stream, dispatcher.durable)
      return ack_floor.stream_seq
    }),
    left: Effect.promise(async () => {
      const { state } = await manager.streams.info(dispatcher.stream, { subjects_filter: ">" })
      return Object.keys(state.subjects ?? {}).map((subject) => subject.replace("carillon.timer.", ""))
    })
  }
})

const acknowledged = (message: JsMsg) => Effect.promise(() => message.ackAck({ timeout: 5_000 }))

describe("a message that was acknowledged while nats-server could not write", () => {
  it.live("is taken out of its queue, and neither what waits nor what is in hand", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const { layer, nats } = yield* natsForTest
        const { allow, forbid } = writingOf(nats.pid)
        const last = yield* Effect.gen(function* () {
          yield* provision([consumers.schedulerChanges, consumers.schedulerTicks, dispatcher])
          const { put, take } = yield* timers
          yield* put("pending.waits")
          for (const name of ["done-1", "done-2", "in-hand", "done-later", "next"]) yield* put(`due.${name}`)
          yield* put("tick")
          const [first, second] = [yield* take, yield* take]
          yield* forbid
          for (const message of [first, second]) assert.isTrue(yield* acknowledged(message))
          return second.seq
        }).pipe(Effect.provide(layer))
        yield* Effect.andThen(allow, Effect.andThen(nats.stop, nats.start))
        yield* Effect.gen(function* () {
          const { floor, left, take } = yield* timers
          const [inHand, later] = [yield* take, yield* take]
          assert.isTrue(yield* acknowledged(later))
          // As NATS leaves it, whatever becomes of it afterwards.
          const others = ["due.in-hand", "due.next", "pending.waits", "tick"]
          const all = ["due.done-1", "due.done-2", ...others]
          assert.sameMembers(yield* left, all)
          assert.strictEqual(yield* floor, last)
          yield* removeLeftovers(60_000)
          assert.sameMembers(yield* left, all)
          yield* removeLeftovers(0)
          assert.sameMembers(yield* left, others)
          for (const message of [inHand, yield* take]) assert.isTrue(yield* acknowledged(message))
          assert.sameMembers(yield* left, ["pending.waits", "tick"])
        }).pipe(Effect.provide(layer))
      })
    )
  )
})
