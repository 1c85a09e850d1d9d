// The table bridge: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { bridgePostgres } from "./database/BridgeDatabase.ts"
import { run } from "./TableBridge.ts"

export const tableBridge = run.pipe(Effect.provide(bridgePostgres), Effect.provide(natsLayer("table-bridge")))

if (import.meta.main) runService("table-bridge", tableBridge)
