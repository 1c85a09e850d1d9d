// The times that people type: what they could not have meant is not guessed at.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { whatIsScheduled } from "../../cli/commands/Schedule.ts"
import { lateness, parseMoment } from "../../cli/input/When.ts"

describe("a moment", () => {
  it.effect.each([
    ["2026-12-01T09:00:00Z", "2026-12-01T09:00:00.000Z"],
    ["2026-12-01T09:00+02:00", "2026-12-01T07:00:00.000Z"],
    ["2026-12-01", "2026-12-01T00:00:00.000Z"]
  ] as const)("is an instant, or a day of UTC: %s", ([text, instant]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* parseMoment("from", text), instant)
    })
  )

  // Each is some instant to JavaScript: of 2001, of another day, of this machine's zone.
  it.effect.each(["5", "2026-02-30", "2026-02-30T09:00:00Z", "2026-12-01T09:00", "1 Dec"])("is not %s", (text) =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(parseMoment("from", text))
      assert.match(message, /^--from must be/)
    })
  )
})

describe("how late a message may be", () => {
  it.effect("is a second at least, and rounded up", () =>
    Effect.gen(function* () {
      const seconds = (text: string) => lateness(Option.some(text))
      assert.deepStrictEqual(yield* seconds("0.4s"), { maxLatenessSeconds: 1 })
      assert.deepStrictEqual(yield* seconds("90.2s"), { maxLatenessSeconds: 91 })
      assert.deepStrictEqual(yield* seconds("1.1m"), { maxLatenessSeconds: 66 })
      assert.deepStrictEqual(yield* seconds("0s"), { maxLatenessSeconds: 0 })
    })
  )
})

describe("what is told of a scheduled message", () => {
  const [dueAt, expiresAt] = ["2026-12-01T09:00:00.000Z", "2026-12-01T10:00:00.000Z"]
  const reply = { status: "accepted" as const, id: "a", dueAt, expiresAt, duplicate: false }

  it("is when it comes, or that it is too late for it", () => {
    const at = (now: string) => whatIsScheduled(reply, Date.parse(now))
    assert.match(at("2026-12-01T08:00:00.000Z"), /^a: scheduled for 2026-12-01T09:00:00.000Z \(in /)
    assert.match(at("2026-12-01T10:00:00.001Z"), /its deadline has passed: it will not be sent/)
    // It may have been sent in time.
    assert.notInclude(whatIsScheduled({ ...reply, duplicate: true }, Date.parse("2027-01-01")), "will not be sent")
  })
})
