// What a change of a waiting timer comes to, by the time at which it was stored.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import type { Batch } from "#shared/actor/Actor.ts"
import type { Attempt } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { TimerChange } from "#shared/contract/Timer.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { decide, handleChanges } from "../../services/scheduler/commands/CarryingOut.ts"
import { type Pending, Timers } from "../../services/scheduler/timers/Timers.ts"
import { attemptOf } from "../support/Attempts.ts"
import { natsForTest } from "../support/Layers.ts"
import { eventsOf, forgetDuplicates } from "../support/Streams.ts"

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
    for (const tried of [{ possibleDuplicate: true }, { partsSent: 1 }]) {
      const { event, reply } = decide({ ...cancel, old: { ...old, ...tried } }, firesAt - 1)
      for (const said of [event, reply]) assert.propertyVal(said, "possiblyArrived", true)
    }
  })
  it("reschedules, and arms the new time", () => {
    const { event, reply, arm } = decide(reschedule, firesAt - 1)
    assert.deepInclude(event, { type: "rescheduled", previousDueAt: old.message.dueAt })
    assert.deepInclude(reply, { status: "rescheduled", dueAt: later.message.dueAt })
    assert.strictEqual(arm?.attempt, later)
    assert.notProperty(reply, "expired")
  })
  it("says of what it reschedules into the past that it is not sent", () => {
    const [dueAt, expiresAt] = ["2025-12-01T09:00:00.000Z", "2025-12-01T10:00:00.000Z"]
    const past = { ...reschedule, attempt: { ...old, message: { ...old.message, dueAt, expiresAt } } }
    assert.deepInclude(decide(past, firesAt - 1).reply, { status: "rescheduled", expired: true })
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

const day = 86_400_000
const inDays = (days: number) => {
  const at = Date.now() + days * day
  return attemptOf({ dueAt: fromMillis(at), expiresAt: fromMillis(at + day) })
}

/** Two changes of a message in one batch; the first was carried out as far as its timer before, by one that was killed then. */
const firstComesAgain = (second: "cancel" | "reschedule") =>
  Effect.gen(function* () {
    const { layer, nats } = yield* natsForTest
    return yield* Effect.gen(function* () {
      yield* provision([consumers.schedulerChanges])
      const { arm, change, pending } = yield* Timers
      const timer = Effect.map(pending("m"), Option.getOrThrow)
      const about = ({ attempt: old, firesAt }: Pending, cause: string) => ({ old, firesAt, cause })
      yield* arm([{ attempt: inDays(1) }])
      const atFirst = yield* timer
      const first: TimerChange = { change: "reschedule", attempt: inDays(2), ...about(atFirst, "command-1-1") }
      yield* change(atFirst, first, {})
      const { arm: armed } = decide(first, Date.now())
      yield* arm(armed ? [armed] : [])
      const rescheduled = yield* timer
      const later = about(rescheduled, "command-2-2")
      yield* change(
        rescheduled,
        second === "cancel" ? { change: second, ...later } : { change: second, attempt: inDays(3), ...later },
        {}
      )
      yield* forgetDuplicates(nats.url)
      yield* Effect.sleep("200 millis")
      const { take } = yield* openMailbox(consumers.schedulerChanges)
      const batch = [...(yield* take(1)), ...(yield* take(1))] as unknown as Batch
      yield* handleChanges(() => Effect.void)(batch)
      const said = (yield* eventsOf(nats.url, "carillon.event.>")).map(({ type }) => type)
      return { said, timer: Option.getOrUndefined(yield* pending("m")) }
    }).pipe(Effect.provide(Layer.provideMerge(Timers.layer, layer)), Effect.scoped)
  })

describe("a change that comes again together with a later one of the same message", () => {
  it.live("arms nothing that the later one has cancelled", () =>
    Effect.gen(function* () {
      const { said, timer } = yield* firstComesAgain("cancel")
      assert.deepStrictEqual(said, ["rescheduled", "cancelled"])
      assert.isUndefined(timer)
    })
  )
  it.live("leaves the time to the later one", () =>
    Effect.gen(function* () {
      const { timer } = yield* firstComesAgain("reschedule")
      assert.approximately(Date.parse(timer?.attempt.message.dueAt ?? ""), Date.now() + 3 * day, day / 2)
    })
  )
})
