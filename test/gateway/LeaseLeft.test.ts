// A lease that stands although its time is over, as a nats-server leaves it that was killed and forgot that it was to end.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { withClient } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"

/** Held by nobody, and without an end. */
const leaveLease = (url: string) =>
  withClient(url, (connection) => jetstream(connection).publish(Subject.sender("telegram", "default", "lease")))

describe("a lease that NATS did not end", () => {
  it.live("is taken by one gateway, and after it by another", () =>
    Effect.gen(function* () {
      const { nats, environment, phones, services } = yield* carillon()
      yield* Effect.all([services.scheduler.start, services.dispatcher.start, services.ledger.start])
      yield* leaveLease(nats.url)
      const one = services["telegram-gateway"]
      const other = yield* hostedService("telegram-gateway", environment)
      yield* Effect.all([one.start, other.start], { concurrency: "unbounded" })
      const arrives = Effect.fnUntraced(function* (id: string) {
        yield* publishPlainly(nats.url, [command(id, 0)])
        yield* eventually(
          `${id} arrived`,
          Effect.sync(() => phones.received.filter(({ text }) => text === `text of ${id}`).length),
          (count) => count === 1
        )
      })
      yield* arrives("first")
      const active = one.output().includes("default: active") ? one : other
      assert.strictEqual(yield* active.stop, 0)
      yield* arrives("second")
      assert.include(one.output() + other.output(), "a lease stands although its time is over")
    })
  )
})
