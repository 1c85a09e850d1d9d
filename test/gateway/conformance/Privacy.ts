// What a gateway must never tell: texts, addresses and secrets, in logs, metrics, subjects or headers.
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { metricsOf } from "../../support/Figures.ts"
import { headersAndSubjects } from "../../support/Streams.ts"
import type { PlatformUnderTest } from "./Platform.ts"
import { mark, World } from "./World.ts"

export const privacy = (it: Vitest.MethodsNonLive<World>, { hidden }: PlatformUnderTest) => {
  it.effect("tells no text, address or secret of all this in a log line, metric, subject, header or column", () =>
    Effect.gen(function* () {
      const world = yield* World
      const metrics = yield* metricsOf(world.gateway)
      const columns = yield* world.database.query(
        `select m::text as row from carillon.scheduled_messages m union all select a::text from carillon.message_delivery_attempts a
         union all select e::text from carillon.message_events e`
      )
      const places = {
        logs: Object.values(world.services)
          .map(({ output }) => output())
          .join(),
        metrics,
        "subjects and headers": yield* headersAndSubjects(world.nats.url),
        columns: JSON.stringify(columns)
      }
      for (const [place, found] of Object.entries(places)) {
        assert.isAbove(found.length, 500, `${place} is empty: nothing was looked at`)
        for (const secret of [mark, ...hidden]) {
          const at = found.indexOf(secret)
          assert.isBelow(at, 0, `${place}: …${found.slice(Math.max(0, at - 80), at)}[${secret}]`)
        }
      }
      // The marks were really on their way.
      const [arrival] = world.arrivals()
      assert.include(arrival?.text, mark)
      assert.isTrue(hidden.some((secret) => arrival?.to.includes(secret)))
    })
  )
}
