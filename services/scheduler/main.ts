// The scheduler as a process.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Scheduler.ts"
import { Timers } from "./Timers.ts"

runService("scheduler", 8081, run.pipe(Effect.provide(Timers.layer), Effect.provide(natsLayer("scheduler"))))
