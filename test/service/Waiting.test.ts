// A service that still waits for its servers ends when it is told to, as one that works does.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { eventually } from "../support/Carillon.ts"
import { testNats } from "../support/servers/TestNats.ts"

const nowhere = { NATS_URL: "nats://127.0.0.1:1", DATABASE_URL: "postgres://nobody:nothing@127.0.0.1:1/none" }

const endsWhileItWaits = Effect.fnUntraced(function* (
  name: "scheduler" | "ledger" | "table-bridge",
  environment: Readonly<Record<string, string>>,
  what: string
) {
  const service = yield* serviceProcess(name, environment)
  yield* service.launch
  yield* eventually("waits", Effect.sync(service.output), (output) => output.includes(`Waiting for ${what}`))
  assert.strictEqual(yield* service.stop, 0, service.output())
})

describe("SIGTERM while a service waits", () => {
  it.live("for NATS ends it", () => endsWhileItWaits("scheduler", nowhere, "NATS"))

  it.live("for Postgres ends it", () =>
    Effect.gen(function* () {
      const { url } = yield* testNats
      yield* endsWhileItWaits("ledger", { ...nowhere, NATS_URL: url }, "Postgres")
      yield* endsWhileItWaits("table-bridge", { ...nowhere, NATS_URL: url }, "Postgres")
    })
  )
})
