// When a gateway sends: at the instant, in order to each recipient, and not after the deadline.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Fault } from "./Platform.ts"
import { World } from "./World.ts"

export const times = (it: Vitest.MethodsNonLive<World>) => {
  it.effect("sends at the due instant, never before it, and records what the platform called it", () =>
    Effect.gen(function* () {
      const world = yield* World
      const due = [2_400, 2_600, 2_800, 2_801, 3_000].map((dueIn, n) => ({ id: `due-${n}`, to: 30 + n, dueIn }))
      const from = yield* world.schedule(...due)
      yield* world.allBecome(
        due.map(({ id }) => id),
        "sent"
      )
      for (const { dueIn, id } of due) {
        const [arrival, ...more] = world.arrivalsOf(id)
        assert.deepStrictEqual(more, [])
        assert.isAtLeast(arrival?.at ?? 0, from + dueIn, id)
        assert.isBelow(arrival?.at ?? 0, from + dueIn + 5_000, id)
        const [attempt] = yield* world.database.query(
          "select provider_message_id as name from carillon.message_delivery_attempts where message_id = $1",
          [id]
        )
        assert.match(String(attempt?.name), /^[\w.:-]+$/)
      }
    })
  )

  it.effect("sends to one recipient in the order in which the messages were due, one at a time", () =>
    Effect.gen(function* () {
      const world = yield* World
      const ids = Array.from({ length: 8 }, (_, n) => `ordered-${n}`)
      const slow = [Fault.Slow({ millis: 200 })]
      yield* world.schedule(...ids.map((id, n) => ({ id, to: 40, dueIn: 2_500 + n, faults: slow })).toReversed())
      yield* world.allBecome(ids, "sent")
      const arrivals = world.arrivals().filter(({ to }) => to === world.address(40))
      assert.deepStrictEqual(
        arrivals.map(({ text }) => text.split(" of ")[1]),
        ids
      )
      for (const [n, { at }] of arrivals.entries()) {
        const before = arrivals[n - 1]
        if (before) assert.isAtLeast(at - before.at, 200)
      }
    })
  )
}
