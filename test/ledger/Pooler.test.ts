// Everything of the ledger through a pooler in transaction mode: each transaction may be on another connection.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { erase } from "../../services/ledger/erasure/Erase.ts"
import { prune } from "../../services/ledger/erasure/Prune.ts"
import { rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { pooled, withPgBouncer } from "../support/servers/PgBouncer.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { livesOf, scheduled } from "./Histories.ts"
import { expected, worldOf } from "./World.ts"

describe("through a pooler in transaction mode", () => {
  it.live("the ledger projects, lists, rebuilds, prunes and erases, two at a time", () =>
    withPgBouncer((bouncer) =>
      Effect.gen(function* () {
        const database = yield* testDatabase
        const url = yield* pooled(bouncer, database.url)
        const { append, ledger, projected, reader, recorded, rows, services } = yield* worldOf(yield* testNats, { url })
        yield* ledger
        yield* ledger
        const events = livesOf("m", 340)
        const feed = Effect.gen(function* () {
          for (let from = 0; from < events.length; from += 200) yield* append(events.slice(from, from + 200))
        })
        const reading = yield* Effect.forkChild(Effect.forever(reader.list()))
        yield* feed
        yield* projected
        yield* Fiber.interrupt(reading)
        const { timeline, ...found } = yield* rows
        assert.deepStrictEqual(found as unknown, expected(yield* recorded))
        assert.strictEqual(timeline.length, events.length)
        yield* Effect.provideContext(rebuild({ onProgress: () => Effect.void }), services)
        assert.deepStrictEqual(yield* rows, { timeline, ...found })
        yield* append([scheduled("after")])
        yield* projected
        assert.isTrue(Option.isSome(yield* reader.show("after")))
        const wish = { id: "m-1", dryRun: false, waitMillis: 0, ledgerWaitMillis: 20_000 }
        const report = yield* Effect.provideContext(erase({ ...wish, onProgress: () => Effect.void }), services)
        assert.deepInclude(report, { erased: 1, left: {} })
        const kept = { contents: 1, records: undefined }
        const { contents } = yield* Effect.provideContext(prune(kept, Date.now() + 60_000), services)
        assert.isAbove(contents, 100)
        const [connections] = yield* database.query(
          "select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        // Three pools of four would need more.
        assert.isAtMost(Number(connections?.n), 4)
      })
    )
  )
})
