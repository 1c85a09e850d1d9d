// The webhook gateway: what every gateway does, with the limits of receivers and a signed post.
import { Config, Effect, Schema } from "effect"
import { runGateway } from "#shared/gateway/Gateway.ts"
import { everySecond } from "#shared/gateway/Windows.ts"
import { Webhooks } from "./Webhooks.ts"

/** 0 is no limit. */
const limits = Config.all({
  perSecond: Config.Int("WEBHOOK_MESSAGES_PER_SECOND").pipe(Config.withDefault(0)),
  urlPerSecond: Config.Number("WEBHOOK_URL_MESSAGES_PER_SECOND").pipe(Config.withDefault(0)),
  connections: Config.Int("WEBHOOK_CONNECTIONS").pipe(Config.withDefault(100)),
  atOnce: Config.schema(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
    "WEBHOOK_URL_CONNECTIONS"
  ).pipe(Config.withDefault(1))
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
