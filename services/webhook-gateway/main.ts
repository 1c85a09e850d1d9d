// The webhook gateway: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./WebhookGateway.ts"
import { Webhooks } from "./Webhooks.ts"

export const webhookGateway = run.pipe(Effect.provide(Webhooks.layer), Effect.provide(natsLayer("webhook-gateway")))

if (import.meta.main) runService("webhook-gateway", webhookGateway)
