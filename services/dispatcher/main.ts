// The dispatcher: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Dispatcher.ts"

export const dispatcher = run.pipe(Effect.provide(natsLayer("dispatcher")))

if (import.meta.main) runService("dispatcher", dispatcher)
