// The ledger: its layers, and the process when it runs alone.
import { Effect } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { runService } from "#shared/service/RunService.ts"
import { run } from "./Ledger.ts"

export const ledger = run.pipe(Effect.provide(Postgres.layer), Effect.provide(natsLayer("ledger")))

if (import.meta.main) runService("ledger", ledger)
