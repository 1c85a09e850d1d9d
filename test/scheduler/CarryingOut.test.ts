// What a change of a waiting timer comes to, by the time at which it was stored.
import { assert, describe, it } from "@effect/vitest"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/Instants.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import { decide } from "../../services/scheduler/CarryingOut.ts"
import { attemptOf } from "../support/Attempts.ts"

const dueAt = Date.parse("2026-12-01T09:00:00Z")
const firesAt = dueAt - 2_000

const old = attemptOf({ dueAt: fromMillis(dueAt), expiresAt: fromMillis(dueAt + 1_000) }, { attempt: 2, failures: 1 })
const about = { cause: "command-1", old, firesAt: fromMillis(firesAt) }
const cancel: TimerChange = { change: "cancel", ...about, reason: "moved" }
const later: Attempt = { ...old, message: { ...old.message, dueAt: fromMillis(dueAt + 60_000) } }
const reschedule: TimerChange = { change: "reschedule", ...about, attempt: later }

describe("a change stored before the timer's instant", () => {
  it("cancels, and arms nothing", () => {
    const { event, reply, arm } = decide(cancel, firesAt - 1)
    assert.deepInclude(event, { type: "cancelled", id: "m", reason: "moved" })
    assert.deepStrictEqual(reply, { status: "cancelled", id: "m" })
    assert.isUndefined(arm)
  })
  it("says of what it cancels between two tries that the first may have arrived", () => {
    assert.notProperty(decide(cancel, firesAt - 1).event, "possiblyArrived")
    for (const tried of [{ possibleDuplicate: true }, { partsSent: 1 }])
      assert.propertyVal(decide({ ...cancel, old: { ...old, ...tried } }, firesAt - 1).event, "possiblyArrived", true)
  })
  it("reschedules, and arms the new time", () => {
    const { event, reply, arm } = decide(reschedule, firesAt - 1)
    assert.deepInclude(event, { type: "rescheduled", previousDueAt: old.message.dueAt })
    assert.deepInclude(reply, { status: "rescheduled", dueAt: later.message.dueAt })
    assert.strictEqual(arm?.attempt, later)
  })
})

describe("a change stored at the timer's instant or after", () => {
  for (const change of [cancel, reschedule]) {
    it(`is too late to ${change.change}: the old attempt goes out`, () => {
      const { event, reply, arm } = decide(change, firesAt)
      assert.deepInclude(event, { type: "rejected", command: change.change, id: "m" })
      assert.deepInclude(reply, { status: "rejected" })
      assert.strictEqual(arm?.attempt, old)
    })
  }
})
