// What operators order: hold, drop what is stale, let go at a rate.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { cli } from "../../support/Cli.ts"
import { holds } from "../../support/Figures.ts"
import { mostWithin, World } from "./World.ts"

export const operators = (it: Vitest.MethodsNonLive<World>, name: string) => {
  it.effect("holds everything when paused, shows it, drops what is stale, and lets the rest go at a rate", () =>
    Effect.gen(function* () {
      const world = yield* World
      const call = cli({ NATS_URL: world.nats.url, DATABASE_URL: world.database.url })
      const run = (...args: ReadonlyArray<string>) =>
        Effect.map(call(args), (ended) => {
          assert.strictEqual(ended.code, 0, ended.err)
          return ended.out
        })
      const ids = [1, 2, 3, 4, 5, 6].map((n) => `held-${n}`)
      yield* run("pause", name, "--reason", "outage")
      yield* holds(world.gateway)
      yield* world.schedule(
        { id: "stale", to: 50, dueIn: -600_000 },
        ...ids.map((id, n) => ({ id, to: 51 + n, dueIn: 500 }))
      )
      yield* world.shows("carillon_gateway_messages_in_hand", 7)
      const places = JSON.parse(yield* run("queues", "--json")) as ReadonlyArray<Record<string, unknown>>
      const lane = places.find(({ place }) => String(place).startsWith(`normal messages for ${name}`))
      assert.strictEqual(lane?.inHand, 7)
      assert.include(JSON.stringify(places), "paused")
      assert.deepStrictEqual(
        ["stale", ...ids].flatMap((id) => world.arrivalsOf(id)),
        []
      )
      yield* run("drop", name, "--later-than", "300")
      yield* world.becomes("stale", "expired")
      yield* run("resume", name, "--rate", "3")
      yield* world.allBecome(ids, "sent")
      assert.isAtMost(
        mostWithin(
          ids.flatMap((id) => world.arrivalsOf(id)),
          1_000
        ),
        3
      )
      assert.deepStrictEqual(world.arrivalsOf("stale"), [])
      assert.strictEqual((yield* world.row("stale")).attempts, 0)
      yield* run("resume", name)
    })
  )
}
