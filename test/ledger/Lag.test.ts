// How far the ledger is behind, as it shows it: by the one that projects, and while it cannot.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { eventually } from "../support/Carillon.ts"
import { figureOf, metricsOf, shows } from "../support/Figures.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { testPostgres } from "../support/servers/TestPostgres.ts"
import { scheduled } from "./Histories.ts"
import { world, worldOf } from "./World.ts"

const lag = "carillon_ledger_lag_events"

describe("how far the ledger is behind", () => {
  it.live("grows while Postgres is away, is unknown to one that starts meanwhile, and is nothing afterwards", () =>
    Effect.gen(function* () {
      const postgres = yield* testPostgres
      const { append, environment, projected } = yield* worldOf(yield* testNats, postgres)
      const ledger = yield* serviceProcess("ledger", environment)
      yield* ledger.start
      yield* append([scheduled("m")])
      yield* projected
      yield* shows(ledger, lag, 0)
      yield* postgres.stop
      yield* append([scheduled("meanwhile-1"), scheduled("meanwhile-2")])
      yield* shows(ledger, lag, 2)
      yield* append([scheduled("meanwhile-3")])
      yield* shows(ledger, lag, 3)
      yield* ledger.kill9
      yield* ledger.launch
      yield* eventually(
        "the ledger to wait for Postgres",
        Effect.sync(() => ledger.output().split("Waiting for Postgres").length),
        (n) => n > 1
      )
      assert.notInclude(yield* metricsOf(ledger), lag)
      yield* postgres.start
      yield* projected
      yield* shows(ledger, lag, 0)
    })
  )

  it.live("is shown by the ledger that projects, and not by the one that stands by", () =>
    Effect.gen(function* () {
      const { append, environment, projected } = yield* world
      const ledgers = [yield* serviceProcess("ledger", environment), yield* serviceProcess("ledger", environment)]
      yield* Effect.forEach(ledgers, ({ start }) => start, { concurrency: "unbounded" })
      yield* append([scheduled("m")])
      yield* projected
      yield* eventually(
        "one to show it",
        Effect.forEach(ledgers, (ledger) => figureOf(ledger, lag)),
        (figures) => figures.filter(Number.isNaN).length === 1 && figures.includes(0)
      )
    })
  )
})
