// A crowd of receivers that refuse us, each held by itself: more than NATS has room for in the one message that tells of them.
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command } from "../support/Carillon.ts"
import { holds, shows } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { Reply, webhookReceiver } from "../support/platforms/WebhookReceiver.ts"

const many = 60

describe("a gateway that cannot write down how its sender fares", () => {
  it.live("hears what operators order", () =>
    Effect.gen(function* () {
      const { root } = yield* webhookReceiver(() => Reply.Answer({ status: 401 }))
      const { nats, services, start } = yield* carillon({
        processes: ["webhook-gateway"],
        services: ["scheduler", "dispatcher", "webhook-gateway"],
        environment: { WEBHOOK_SECRET: `whsec_${"A".repeat(32)}`, WEBHOOK_ALLOW_HOSTS: "127.0.0.1" },
        natsConfiguration: "max_payload: 64KB"
      })
      const gateway = services["webhook-gateway"]
      yield* start
      yield* publishPlainly(
        nats.url,
        Array.from({ length: many }, (_, n) =>
          command(`m-${n}`, 0, { platform: "webhook", recipient: { url: `${root}/${n}/`.padEnd(2_000, "long") } })
        )
      )
      yield* shows(gateway, "carillon_sender_recipients_held", many)
      yield* publishPlainly(nats.url, [{ subject: "carillon.command.pause", payload: '{"platform":"webhook"}' }])
      yield* holds(gateway)
    })
  )
})
