// The Telegram gateway: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { Bots } from "./BotApi.ts"
import { run } from "./TelegramGateway.ts"

export const telegramGateway = run.pipe(Effect.provide(Bots.layer), Effect.provide(natsLayer("telegram-gateway")))

if (import.meta.main) runService("telegram-gateway", 8083, telegramGateway)
