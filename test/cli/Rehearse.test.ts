// The rehearsal: all of a message's way but the sending, with the rights of an operator.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, violations } from "../security/Guarded.ts"

const parts = Effect.gen(function* () {
  const all = yield* guarded({ services: ["scheduler", "ledger"] })
  assert.strictEqual((yield* all.runAs("provisioner")(["nats", "provision"])).code, 0)
  return { ...all, rehearse: all.runAs("operator") }
})

describe("carillon rehearse", () => {
  it.live("schedules, cancels, finds both in the log and in the ledger, and leaves nothing that could be sent", () =>
    Effect.gen(function* () {
      const { database, rehearse, serverLog, services } = yield* parts
      yield* Effect.all([services.scheduler.start, services.ledger.start], { concurrency: "unbounded" })
      const { code, err, out } = yield* rehearse(["rehearse"])
      assert.strictEqual(code, 0, err)
      assert.strictEqual(out, "scheduled: yes\ncancelled: yes\nin the event log: yes\nrecorded by the ledger: yes\n")
      const rows = yield* database.query("SELECT status, kind FROM carillon.scheduled_messages")
      assert.deepStrictEqual(rows, [{ status: "cancelled", kind: "rehearsal" }])
      assert.deepStrictEqual(violations(yield* serverLog), [])
    })
  )

  it.live("says at which step it waited in vain; the ledger may be left out", () =>
    Effect.gen(function* () {
      const { rehearse, services } = yield* parts
      yield* services.scheduler.start
      const { code, err, out } = yield* rehearse(["rehearse", "--timeout", "10"])
      assert.strictEqual(code, 4)
      assert.match(err, /not within 10 s: Postgres/)
      assert.include(out, "in the event log: yes")
      assert.strictEqual((yield* rehearse(["rehearse", "--log-only"])).code, 0)
      yield* services.scheduler.stop
      const nobody = yield* rehearse(["rehearse", "--timeout", "5"])
      assert.match(nobody.err, /not within 5 s: .*scheduler/)
      assert.strictEqual(nobody.out, "")
    })
  )
})
