// The trace of a message is Carillon's to tell: nats-server does not make one of its own for each that we publish.
import { assert, describe, it } from "@effect/vitest"
import { headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTestWith } from "../support/Layers.ts"
import { natsClient } from "../support/NatsClient.ts"

const tracingAccount = `
  accounts { A { jetstream: enabled, msg_trace: { dest: "traces", sampling: 100 }, users: [{ user: a, password: a }] } }
  no_auth_user: a`
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

const subjectIn = (trace: unknown) =>
  (trace as { readonly events: ReadonlyArray<{ readonly subj?: string }> }).events.find(({ subj }) => subj)?.subj ?? ""

describe("what is published with a sampled trace", () => {
  it.live("is not traced by NATS, even where the account has it trace", () =>
    Effect.gen(function* () {
      const { nats, layer } = yield* natsForTestWith({ extra: [tracingAccount] })
      const client = yield* natsClient(nats.url)
      const told: Array<string> = []
      client.subscribe("traces", { callback: (_, trace) => void told.push(subjectIn(trace.json())) })
      yield* Effect.promise(() => client.flush())
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const message = (id: string) => ({
          subject: `carillon.event.scheduled.telegram.${id}`,
          payload: "{}",
          headers: { traceparent }
        })
        yield* publish([message("alone")])
        yield* publish(Array.from({ length: 20 }, (_, index) => message(`${index}`)))
      }).pipe(Effect.provide(layer))
      // One that is: it comes after those that would have come.
      const others = headers()
      others.set("traceparent", traceparent)
      client.publish("another", "", { headers: others })
      yield* eventually(
        "a trace",
        Effect.sync(() => told.length),
        (length) => length > 0
      )
      assert.deepStrictEqual(told, ["another"])
    })
  )
})
