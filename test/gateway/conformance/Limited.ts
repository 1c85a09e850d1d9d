// Under limits: exact, in order, urgent before bulk; with a second replica, also when the active one is killed.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../../deploy/local/ServiceProcess.ts"
import { eventually } from "../../support/Carillon.ts"
import { holds } from "../../support/Figures.ts"
import { eventsOf, intents } from "../../support/Streams.ts"
import { Fault, type Limits, type PlatformUnderTest } from "./Platform.ts"
import { mostWithin, World } from "./World.ts"

export const limits: Limits = { perSecond: 20, recipientPerSecond: 5 }

const named = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`)

export const limited = (it: Vitest.MethodsNonLive<World>, platform: PlatformUnderTest) => {
  it.effect("lets one recipient that must wait hold back nobody else, and keeps its order", () =>
    Effect.gen(function* () {
      const world = yield* World
      const slow = named("slow", 27)
      yield* world.schedule(...slow.map((id, n) => ({ id, to: 1, dueIn: 2_500 + n })), {
        id: "other",
        to: 2,
        dueIn: 2_600
      })
      yield* world.becomes("other", "sent")
      assert.isBelow(
        world.arrivals().findIndex(({ to }) => to === world.address(2)),
        10
      )
      yield* world.allBecome(slow, "sent")
      const arrivals = world.arrivals().filter(({ to }) => to === world.address(1))
      assert.deepStrictEqual(
        arrivals.map(({ text }) => text.split(" of ")[1]),
        slow
      )
      assert.isAtMost(mostWithin(arrivals, 1_000), limits.recipientPerSecond)
      // More than a gateway keeps in hand for one: some waited among the timers, and used up no attempt by it.
      const putOff = (yield* eventsOf(world.nats.url, `carillon.event.attempt-failed.${platform.platform}`)).map(
        ({ failures, reason }) => `${failures} ${reason}`
      )
      assert.deepStrictEqual([...new Set(putOff)], ["0 waits-for-its-turn"])
    })
  )

  it.effect("lets urgent messages overtake a crowd, which does not starve; what waited too long is expired", () =>
    Effect.gen(function* () {
      const world = yield* World
      const [bulk, urgent, late] = [named("bulk", 60), named("urgent", 45), named("late", 3)]
      yield* world.order("pause")
      yield* holds(world.gateway)
      yield* world.schedule(
        ...bulk.map((id, n) => ({ id, to: 100 + n, more: { priority: "bulk" } })),
        ...urgent.map((id, n) => ({ id, to: 200 + n, more: { priority: "urgent" } }))
      )
      yield* world.shows("carillon_gateway_messages_in_hand", bulk.length + urgent.length)
      // Behind all of these, which take more than five seconds.
      yield* world.schedule(
        ...late.map((id, n) => ({ id, to: 250 + n, more: { priority: "bulk", maxLatenessSeconds: 2 } }))
      )
      yield* world.order("resume")
      yield* world.allBecome([...urgent, ...bulk], "sent")
      yield* world.allBecome(late, "expired")
      const order = world.arrivals().map(({ text }) => text.split(" of ")[1] ?? "")
      const lastUrgent = Math.max(...urgent.map((id) => order.indexOf(id)))
      const firstUrgent = Math.min(...urgent.map((id) => order.indexOf(id)))
      const after = order.slice(lastUrgent).filter((id) => id.startsWith("bulk")).length
      const between = order.slice(firstUrgent, lastUrgent).filter((id) => id.startsWith("bulk")).length
      assert.isAbove(after, 10, "a crowd was overtaken")
      assert.isAbove(between, 0, "the crowd went on meanwhile")
      assert.isBelow(between, urgent.length / 3, "urgent ones went first")
      for (const id of late) assert.deepStrictEqual(world.arrivalsOf(id), [])
    })
  )

  it.effect("with two replicas sends each message once and keeps every limit, also when the active one is killed", () =>
    Effect.gen(function* () {
      const world = yield* World
      const other = yield* serviceProcess(platform.gateway, world.environment)
      yield* other.start
      const before = world.arrivals().length
      world.always.fault = () => Fault.Slow({ millis: 30 })
      const ids = named("replicated", 90)
      yield* world.schedule(...ids.map((id, n) => ({ id, to: 300 + (n % 30) })))
      yield* world.until("under way", () => world.arrivals().length >= before + 30)
      yield* world.gateway.kill9
      yield* world.allBecome(ids, "sent")
      world.always.fault = undefined
      const twice = yield* world.database.query(
        "select id from carillon.scheduled_messages where possible_duplicate and id like 'replicated-%'"
      )
      // What was on its way when the first was killed is sent again, and recorded as such; nothing else is.
      assert.isAtMost(twice.length, limits.perSecond)
      for (const id of ids) {
        const received = world.receivedOf(id).length
        assert.isAtLeast(received, 1, id)
        if (received > 1)
          assert.include(
            twice.map((row) => row.id),
            id
          )
      }
      const all = world.arrivals()
      assert.isAtMost(mostWithin(all, 1_000), limits.perSecond)
      for (const to of new Set(all.map((one) => one.to)))
        assert.isAtMost(
          mostWithin(
            all.filter((one) => one.to === to),
            1_000
          ),
          limits.recipientPerSecond
        )
      assert.strictEqual(yield* other.stop, 0)
    })
  )
}

/** Of every call there ever was: its intent had been stored when it was made. */
export const intended = (it: Vitest.MethodsNonLive<World>) => {
  it.effect("has recorded the intent of every call before making it, and made none for which there is none", () =>
    Effect.gen(function* () {
      const world = yield* World
      const stored = yield* eventually(
        "every intent",
        intents(world.nats.url),
        (found) => found.length >= world.arrivals().length
      )
      const ids = [...new Set(world.arrivals().map(({ text }) => text.split(" of ")[1] ?? ""))]
      assert.isAbove(ids.length, 5)
      for (const id of ids) {
        const intended = stored.filter((one) => one.id === id)
        const calls = world.arrivalsOf(id)
        assert.isAtLeast(intended.length, calls.length, id)
        for (const [n, { at }] of calls.entries()) assert.isBelow(intended[n]?.storedAt ?? Number.NaN, at, id)
      }
    })
  )
}
