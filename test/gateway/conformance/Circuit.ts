// A platform that refuses the sender: it is left alone but for single probes, and no message is burnt.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { eventually } from "../../support/Carillon.ts"
import { eventsOf } from "../../support/Streams.ts"
import { Fault, type PlatformUnderTest } from "./Platform.ts"
import { World } from "./World.ts"

const crowd = Array.from({ length: 20 }, (_, n) => `crowd-${n}`)

export const circuit = (it: Vitest.MethodsNonLive<World>, { blames, platform }: PlatformUnderTest) => {
  it.effect("stops when the sender is refused, probes, and goes on with no attempt used up", () =>
    Effect.gen(function* () {
      const world = yield* World
      const refused = world.address(70)
      // Where the sender is to blame, everybody is refused; else only this one recipient does.
      world.always.fault = ({ to }) => (blames === "sender" || to === refused ? Fault.RejectsSender() : undefined)
      const knocks = () => world.arrivals().filter(({ to }) => to === refused)
      const states = Effect.map(eventsOf(world.nats.url, `carillon.event.circuit-changed.${platform}`), (events) =>
        events.map(({ state }) => state)
      )
      yield* world.schedule({ id: "first", to: 70, more: { retry: [] } })
      const failed = world.eventsAbout("first", "attempt-failed")
      yield* eventually("refused", failed, ([event]) => event?.category === "sender")
      if (blames === "sender") yield* eventually("open", states, (all) => all.includes("open"))
      yield* world.schedule(...crowd.map((id) => ({ id, to: 70, more: { retry: [] } })))
      yield* world.until("probed twice and more", () => knocks().length >= 4)
      if (blames === "recipient") {
        yield* world.schedule({ id: "other", to: 71 })
        yield* world.becomes("other", "sent")
      }
      world.always.fault = undefined
      const refusals = knocks()
      yield* world.allBecome(["first", ...crowd], "sent")
      // Single messages were sent as probes, each when the wait for it was over: the crowd did not knock.
      for (const [n, { at }] of refusals.entries()) {
        const before = refusals[n - 1]
        if (before) assert.isAtLeast(at - before.at, 1_000)
      }
      if (blames === "sender") {
        yield* eventually("closed", states, (all) => all.at(-1) === "closed")
        assert.includeMembers(yield* states, ["open", "half-open", "closed"])
      } else assert.deepStrictEqual(yield* states, [], "nobody's circuit but the recipient's")
      for (const id of ["first", ...crowd]) {
        assert.strictEqual(world.receivedOf(id).length, 1)
        for (const event of yield* world.eventsAbout(id, "attempt-failed")) assert.strictEqual(event.failures, 0)
      }
    })
  )
}
