// Ports for servers that are started later: many are asked for before the first is listened on.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freePort } from "../../deploy/local/LocalServer.ts"

describe("a free port", () => {
  it.live("is given to one only, although nobody listens there yet", () =>
    Effect.gen(function* () {
      const ports = yield* Effect.forEach(Array.from({ length: 1_000 }), () => freePort, { concurrency: 50 })
      assert.strictEqual(new Set(ports).size, ports.length)
    })
  )
})
