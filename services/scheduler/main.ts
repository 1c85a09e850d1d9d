// The scheduler: its layers, and the process when it runs alone.
import { Effect, Layer } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Scheduler.ts"
import { Timers } from "./timers/Timers.ts"

export const scheduler = run.pipe(
  Effect.provide(Layer.mergeAll(Timers.layer, DeadLetterStore.layer, SeriesStore.layer)),
  Effect.provide(natsLayer("scheduler"))
)

if (import.meta.main) runService("scheduler", scheduler)
