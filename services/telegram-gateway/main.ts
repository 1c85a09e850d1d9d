// The Telegram gateway as a process.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { BotApi } from "./BotApi.ts"
import { run } from "./TelegramGateway.ts"

runService(
  "telegram-gateway",
  8083,
  run.pipe(Effect.provide(BotApi.layer), Effect.provide(natsLayer("telegram-gateway")))
)
