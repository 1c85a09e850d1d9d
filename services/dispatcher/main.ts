// The dispatcher as a process.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/Layers.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Dispatcher.ts"

runService("dispatcher", 8082, run.pipe(Effect.provide(natsLayer("dispatcher"))))
