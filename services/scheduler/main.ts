// The scheduler: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Scheduler.ts"
import { Timers } from "./Timers.ts"

export const scheduler = run.pipe(Effect.provide(Timers.layer), Effect.provide(natsLayer("scheduler")))

if (import.meta.main) runService("scheduler", 8081, scheduler)
