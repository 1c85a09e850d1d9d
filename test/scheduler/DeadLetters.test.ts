// What follows from an operator's decision on a dead letter.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { events } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { decide } from "../../services/scheduler/operators/DeadLetters.ts"
import { attemptOf } from "../support/Attempts.ts"

const now = Date.parse("2026-12-01T09:00:00Z")
const letter = (more: Partial<DeadLetter>): DeadLetter => ({
  ...attemptOf({ dueAt: fromMillis(now - 60_000), expiresAt: fromMillis(now) }),
  ...{ state: "failed", at: fromMillis(now), category: "recipient", reason: "bot-blocked" },
  ...more
})
const event = (name: "redrive" | "resolve", given: DeadLetter) =>
  Result.getOrThrow(decide(name, { id: "m", ...(name === "resolve" ? { as: "resend" } : {}) }, given, "c", now)).event

describe("what is sent again by an operator's word", () => {
  it("is a possible duplicate if nobody knows what became of it, also when it was given up for that", () => {
    const unknown = { category: "unknown", reason: "timed-out" } as const
    assert.deepInclude(event("redrive", letter({})), { type: "redriven", possibleDuplicate: false })
    assert.deepInclude(event("redrive", letter(unknown)), { possibleDuplicate: true })
    assert.deepInclude(event("resolve", letter({ ...unknown, state: "unknown" })), { possibleDuplicate: true })
    assert.deepInclude(event("redrive", letter({ possibleDuplicate: true })), { possibleDuplicate: true })
  })

  it("carries since when it may have been sent by a gateway that was lost", () => {
    const lost = { category: "unknown", reason: "interrupted" } as const
    assert.notProperty(event("redrive", letter({})), "interruptedSince")
    for (const name of ["redrive", "resolve"] as const) {
      const given = letter({ ...lost, state: name === "resolve" ? "unknown" : "failed" })
      assert.deepInclude(event(name, given), { interruptedSince: given.sendAt })
    }
    const before = { interruptedSince: fromMillis(now - 90_000) }
    assert.deepInclude(event("redrive", letter(before)), before)
  })

  it("never expires if it never did, and can be read by those who are to send it", () => {
    const never = letter(attemptOf({ dueAt: fromMillis(now - 60_000), expiresAt: "9999-12-31T23:59:59.999Z" }))
    const redriven = event("redrive", never)
    assert.isTrue(Schema.is(events.redriven)(redriven))
    assert.deepInclude(redriven, { message: { ...never.message, dueAt: fromMillis(now) } })
  })

  it("waits anew as its platform says", () => {
    assert.notProperty(event("redrive", letter({ waits: 12 })), "waits")
  })

  it("is due within ten years, as what is scheduled is", () => {
    const redrive = (dueAt: string) => decide("redrive", { id: "m", dueAt }, letter({}), "c", now)
    assert.isTrue(Result.isSuccess(redrive("2036-11-30T09:00:00Z")))
    const problems = [{ path: "dueAt", problem: "is more than ten years ahead" }]
    assert.deepInclude(Result.getOrThrow(Result.flip(redrive("2036-12-03T09:00:00Z"))), { id: "m", problems })
  })
})
