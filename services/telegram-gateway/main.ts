// The Telegram gateway: its layers, and the process when it runs alone.
import { Effect, Layer } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { runService } from "#shared/service/RunService.ts"
import { Bots } from "./BotApi.ts"
import { run } from "./TelegramGateway.ts"

export const telegramGateway = run.pipe(
  Effect.provide(Layer.mergeAll(Bots.layer, Memory.layer, Files.layer)),
  Effect.provide(natsLayer("telegram-gateway"))
)

if (import.meta.main) runService("telegram-gateway", telegramGateway)
