// A header read where it stands is what the client makes of it.
import { assert, describe, it } from "@effect/vitest"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { headerOf } from "#shared/nats/messages/Headers.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { natsForTest } from "../support/Layers.ts"

describe("a header of a stored message", () => {
  it.live("is what the client makes of it, whichever there are", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        const { js } = yield* Nats
        const { from } = yield* EventLog
        yield* provision([])
        const given = [
          {},
          { traceparent: "00-1-2-01" },
          { "ce-id": "traceparent: no", traceparent: "  spaced  ", "x-traceparent": "no" },
          { Traceparent: "another name", "ce-subject": "é" },
          { traceparent: "" }
        ]
        for (const one of given) {
          const headers = natsHeaders()
          for (const [name, value] of Object.entries(one)) headers.append(name, value)
          if ("ce-id" in one) headers.append("traceparent", "a second one")
          yield* Effect.promise(() => js.publish("carillon.event.x", "{}", { headers }))
        }
        yield* Effect.promise(() => js.publish("carillon.event.x", "no headers at all"))
        const { take } = yield* from(1)
        for (let left = given.length + 1; left > 0; left--) {
          const [message] = yield* take(1)
          assert(message !== undefined)
          for (const name of ["traceparent", "ce-id", "ce-subject", "x-traceparent", "absent"])
            assert.strictEqual(headerOf(message, name), message.headers?.get(name) || undefined, name)
        }
        // What the client keeps to itself may change with its next version: then its own way is taken.
        const plain = { headers: natsHeaders() }
        plain.headers.set("traceparent", "by the client")
        assert.strictEqual(headerOf(plain as never, "traceparent"), "by the client")
      }).pipe(Effect.scoped, Effect.provide(layer))
    })
  )
})
