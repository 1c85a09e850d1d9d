// A gateway that is stopped, or killed with -9 while the platform has not answered.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Fault } from "./Platform.ts"
import { World } from "./World.ts"

export const stops = (it: Vitest.MethodsNonLive<World>) => {
  it.effect("on SIGTERM finishes what is under way, gives back what waits, and exits with 0", () =>
    Effect.gen(function* () {
      const world = yield* World
      yield* world.schedule(
        { id: "slow", to: 80, faults: [Fault.Slow({ millis: 1_500 })] },
        { id: "waiting", to: 81, dueIn: 1_500 }
      )
      yield* world.until("the slow one asked for", () => world.arrivalsOf("slow").length === 1)
      assert.strictEqual(yield* world.gateway.stop, 0)
      yield* world.becomes("slow", "sent")
      assert.deepStrictEqual(world.arrivalsOf("waiting"), [])
      yield* world.gateway.start
      yield* world.becomes("waiting", "sent")
      for (const id of ["slow", "waiting"]) assert.strictEqual(world.arrivalsOf(id).length, 1)
    })
  )

  it.effect("killed with -9 before an answer: sent again as a possible duplicate, or held as unknown", () =>
    Effect.gen(function* () {
      const world = yield* World
      const hangs = [Fault.Hangs()]
      yield* world.schedule(
        { id: "resent", to: 82, faults: hangs, more: { retry: [{ attempts: 1, seconds: 0.1 }] } },
        { id: "held", to: 83, faults: hangs, more: { unknownOutcome: "hold" } }
      )
      yield* world.until("both called", () => world.arrivalsOf("resent").length + world.arrivalsOf("held").length === 2)
      yield* world.gateway.kill9
      yield* world.gateway.start
      yield* world.becomes("resent", "sent")
      yield* world.becomes("held", "unknown")
      assert.strictEqual(world.receivedOf("resent").length, 2)
      assert.strictEqual(world.receivedOf("held").length, 1)
      const unknown = { attempt: 1, outcome: "unknown", category: "unknown", possible_duplicate: false }
      assert.deepStrictEqual(yield* world.attempts("held"), [unknown])
      assert.deepStrictEqual(yield* world.attempts("resent"), [
        unknown,
        { attempt: 2, outcome: "sent", category: null, possible_duplicate: true }
      ])
      assert.strictEqual((yield* world.row("resent")).possible_duplicate, true)
    })
  )
}
