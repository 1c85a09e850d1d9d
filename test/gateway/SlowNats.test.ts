// A gateway far from NATS: what it looks up before it begins takes longer than its lease lasts.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { link } from "../../chaos/world/Links.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { testNats } from "../support/servers/TestNats.ts"

describe("a gateway to which everything from NATS comes late", () => {
  it.live("becomes the active one all the same, and sends", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const { ports, slow } = yield* link([Number(new URL(nats.url).port)])
      yield* slow(450)
      const { phones, start } = yield* carillon({
        nats,
        environmentOf: (name) => (name === "telegram-gateway" ? { NATS_URL: `nats://127.0.0.1:${ports[0]}` } : {})
      })
      yield* start
      yield* publishPlainly(nats.url, [command("m", 0)])
      yield* eventually(
        "it arrives",
        Effect.sync(() => phones.received.length),
        (n) => n > 0
      )
      assert.strictEqual(phones.received.length, 1)
    })
  )
})
