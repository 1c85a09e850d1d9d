// Whatever is published as a command is answered by an event: nothing crashes the scheduler, nothing vanishes.
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf } from "../support/Streams.ts"

const good = JSON.parse(command("good", 60_000).payload) as Record<string, unknown>

/** Each of these breaks a good command in its own way. */
const breaks: ReadonlyArray<(index: number) => string | Uint8Array> = [
  () => randomBytes(200),
  (index) => JSON.stringify(good).slice(0, 5 + (index % 150)),
  () => "",
  () => "null",
  () => '"a string"',
  () => `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
  () => JSON.stringify({ ...good, content: { type: "text", text: "x".repeat(900_000) } }),
  () => JSON.stringify({ ...good, id: "spaces and\nnewlines" }),
  () => JSON.stringify({ ...good, id: "a.b.>" }),
  () => JSON.stringify({ ...good, id: "x".repeat(129) }),
  () => JSON.stringify({ ...good, platform: "pigeon" }),
  () => JSON.stringify({ ...good, platform: ["telegram"] }),
  () => JSON.stringify({ ...good, recipient: { chatId: 5 } }),
  () => JSON.stringify({ ...good, recipient: "100200300" }),
  () => JSON.stringify({ ...good, content: { type: "text", text: "nul \u0000" } }),
  () => JSON.stringify({ ...good, content: { type: "text", text: " \n " } }),
  () => JSON.stringify(good).replace("text of good", "\\ud800"),
  () => JSON.stringify({ ...good, dueAt: "tomorrow" }),
  () => JSON.stringify({ ...good, dueAt: "2026-02-30T10:00:00Z" }),
  () => JSON.stringify({ ...good, dueAt: "2026-12-01T10:00:00" }),
  () => JSON.stringify({ ...good, dueAt: "9999-12-31T23:59:59Z" }),
  () => JSON.stringify({ ...good, dueAt: 1_800_000_000 }),
  () => JSON.stringify({ ...good, maxLatenessSeconds: 1e308 }),
  () => JSON.stringify({ ...good, maxLatenessSeconds: -1 }),
  () => JSON.stringify({ ...good, metadata: { "a key": "v" } }),
  () => JSON.stringify({ ...good, metadata: { a: { b: 1 } } }),
  () => JSON.stringify({ ...good, metadata: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, "v"])) }),
  () => JSON.stringify({ ...good, surprise: true }),
  () => `{"__proto__":{"id":"x"},${JSON.stringify(good).slice(1)}`
]

const hostile = Array.from({ length: 1_000 }, (_, index) => {
  const broken = breaks[index % breaks.length] as (index: number) => string | Uint8Array
  const verb = ["schedule", "schedule", "cancel", "reschedule", "bogus.deeper"][index % 5]
  return { subject: `carillon.command.${verb}`, payload: broken(index) }
})

describe("a thousand malformed commands", () => {
  it.live("become a thousand rejections with reasons, and a good one after them is accepted", () =>
    Effect.gen(function* () {
      const { nats, services } = yield* carillon()
      const { scheduler } = services
      yield* scheduler.start
      yield* publishPlainly(nats.url, [...hostile, command("good", 60_000)])
      yield* eventually(
        "the good one",
        eventsOf(nats.url, "carillon.event.scheduled.>"),
        (events) => events.length === 1
      )
      const rejected = yield* eventsOf(nats.url, "carillon.event.rejected.*")
      assert.strictEqual(rejected.length, hostile.length)
      assert.isTrue(rejected.every(({ problems }) => Array.isArray(problems) && problems.length > 0))
      const written = JSON.stringify(rejected) + scheduler.output()
      assert.notInclude(written, "100200300")
      assert.notInclude(written, "text of good")
      assert.strictEqual(yield* scheduler.stop, 0)
    })
  )
})
