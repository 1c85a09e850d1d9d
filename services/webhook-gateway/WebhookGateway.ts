// The webhook gateway: what every gateway does, with the limits of receivers and a signed post.
import { Effect } from "effect"
import { runGateway } from "#shared/gateway/Gateway.ts"
import { everySecond } from "#shared/gateway/limits/Windows.ts"
import { fraction, setting, whole } from "#shared/service/Settings.ts"
import { connections, Webhooks } from "./Webhooks.ts"

const limits = Effect.all({
  perSecond: setting("WEBHOOK_MESSAGES_PER_SECOND", whole(0, 100_000), {
    says: "The most messages of a sender in any second; 0 is no limit",
    byDefault: 0
  }),
  urlPerSecond: setting("WEBHOOK_URL_MESSAGES_PER_SECOND", fraction(0, 100_000), {
    says: "The most messages to one address in a second; below 1 is possible, 0 is no limit",
    byDefault: 0
  }),
  connections,
  atOnce: setting("WEBHOOK_URL_CONNECTIONS", whole(1, 1_000), {
    says: "The most posts to one address at once; with 1 they come in the order in which they were due, more are faster",
    byDefault: 1
  })
})

export const run = Effect.gen(function* () {
  const webhooks = yield* Webhooks
  const { atOnce, connections, perSecond, urlPerSecond } = yield* limits
  yield* runGateway({
    platform: "webhook",
    senders: [...webhooks].map(([name, post]) => ({ name, calls: (_, attempt) => [post(attempt)] })),
    connections,
    perSecond,
    recipientLimit: () => everySecond(urlPerSecond),
    atOnce,
    blames: "recipient"
  })
})
