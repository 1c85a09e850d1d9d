// An older NATS is put back under a ledger that runs: the log is the same by its name, and says other things at the same places.
import { cp, rm } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"

const scheduled = (...ids: ReadonlyArray<string>) => ids.map((id) => command(id, 3_600_000))

describe("a ledger under which the log went back", () => {
  it.live("projects what comes at the places that it had passed, also when more has come than it had lost", () =>
    Effect.gen(function* () {
      const { database, nats, services, start } = yield* carillon({ services: ["scheduler", "ledger"] })
      yield* start
      const pending = (id: string) =>
        eventually(`${id} has a row`, statusOf(database, id), (status) => status === "pending")
      yield* publishPlainly(nats.url, scheduled("before"))
      yield* pending("before")
      const copy = yield* temporaryFolder("backup")
      yield* nats.stop
      yield* Effect.promise(() => cp(nats.storeDir, copy, { recursive: true }))
      yield* nats.start
      yield* eventually("ready", services.scheduler.isReady, (is) => is)
      yield* publishPlainly(nats.url, scheduled("lost-1", "lost-2"))
      yield* pending("lost-2")
      yield* nats.stop
      yield* Effect.promise(() => rm(nats.storeDir, { recursive: true }))
      yield* Effect.promise(() => cp(copy, nats.storeDir, { recursive: true }))
      yield* nats.start
      yield* eventually("ready", services.scheduler.isReady, (is) => is)
      yield* publishPlainly(nats.url, scheduled("after-1", "after-2", "after-3", "after-4"))
      for (const id of ["after-4", "after-3", "after-2", "after-1"]) yield* pending(id)
      assert.strictEqual(yield* statusOf(database, "lost-1"), "pending")
    })
  )
})
