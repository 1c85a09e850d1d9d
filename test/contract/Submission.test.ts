// What is accepted, and what is said of what is not.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { commands } from "#shared/contract/Commands.ts"
import { Message } from "#shared/contract/Events.ts"
import { fromMillis, parseInstant } from "#shared/contract/fields/Instants.ts"
import { changed, conflicts, decodeCommand, type Refusal, toMessage } from "#shared/contract/Submission.ts"
import { settling, unsendable } from "#shared/platforms/Platforms.ts"

const good = {
  id: "appt-4711-reminder-1",
  platform: "telegram",
  recipient: { chatId: "123456789" },
  content: { type: "text", text: "hello" },
  dueAt: "2026-12-01T09:00:00Z"
}
const rules = {
  now: Date.parse("2026-11-24T08:00:00Z"),
  maxLateness: () => 3_600_000,
  settled: settling("refuse"),
  unsendable
}

const submit = (json: unknown) =>
  Result.flatMap(decodeCommand("schedule", json), (command) =>
    toMessage(command, rules, Buffer.byteLength(JSON.stringify(json)))
  )

const problemsOf = (result: Result.Result<unknown, Refusal>) =>
  Result.isFailure(result) ? result.failure.problems.map(({ path, problem }) => `${path}: ${problem}`) : []

const accepted = (json: unknown) => Result.getOrThrow(submit(json))

describe("a schedule command", () => {
  it("gets every default filled in, and its times as instants", () => {
    assert.deepStrictEqual(accepted(good), {
      id: "appt-4711-reminder-1",
      platform: "telegram",
      sender: "default",
      recipient: { chatId: "123456789" },
      content: { type: "text", text: "hello" },
      dueAt: "2026-12-01T09:00:00.000Z",
      expiresAt: "2026-12-01T10:00:00.000Z",
      priority: "normal",
      unknownOutcome: "resend",
      metadata: {}
    })
  })

  it("is refused when its message is larger than 256 KiB, and taken when it is a little smaller", () => {
    const saying = (characters: number) => {
      const content = { type: "text", text: "💊".repeat(characters) }
      const channel = { platform: "webhook", recipient: { url: "https://example.org/" }, content }
      return { ...good, ...channel, fallback: [{ ...channel, sender: "other" }] }
    }
    assert.deepStrictEqual(problemsOf(submit(saying(32_768))), [": is larger than 256 KiB in all"])
    assert.deepStrictEqual(problemsOf(submit(saying(32_600))), [])
  })

  it("with several faults is told all of them at once, by path, without its values", () => {
    const problems = problemsOf(
      submit({
        ...good,
        id: "secret id",
        platform: "fax",
        recipient: { chatId: 5 },
        content: { type: "text" },
        colour: "crimson"
      })
    )
    for (const path of ["id", "platform", "recipient.chatId", "content.text", "colour"]) {
      assert.isTrue(
        problems.some((problem) => problem.startsWith(`${path}: `)),
        `${path} in ${problems}`
      )
    }
    assert.notMatch(problems.join(), /secret|fax|crimson/)
  })

  it.each([
    [{ id: "" }, "id"],
    [{ id: "x".repeat(129) }, "id"],
    [{ recipient: { chatId: "12 34" } }, "recipient.chatId"],
    [{ content: { type: "text", text: "" } }, "content.text"],
    [{ content: { type: "text", text: " \n" } }, "content.text"],
    [{ content: { type: "text", text: "x".repeat(4_097) } }, "content.text"],
    [{ content: { type: "text", text: "a\u0000b" } }, "content.text"],
    [{ content: { type: "text", text: "a\ud800b" } }, "content.text"],
    [{ content: { type: "fax" } }, "content: must have a type"],
    [{ content: { type: "photo", file: {} } }, "content.file: must have exactly one of url, fileId, or object"],
    [
      { content: { type: "text", text: "a", buttons: [[{ text: "a", reply: "b" }], [{ text: "a" }]] } },
      "content.buttons.1.0"
    ],
    [{ content: { type: "text", text: "a", caption: "b" } }, "content.caption: is not a field"],
    [{ content: { type: "album", items: [] } }, "content.items: must have 2 to 10"],
    [{ content: { type: "text", text: "💊".repeat(4_097) } }, "content.text: has more than 4096 characters"],
    [{ dueAt: "soon" }, "dueAt"],
    [{ dueAt: "2026-02-30T09:00:00Z" }, "dueAt"],
    [{ dueAt: "2026-12-01T09:00:00" }, "dueAt"],
    [{ dueAt: "2026-12-01T09:00:00", timeZone: "Mars/Olympus" }, "timeZone"],
    [{ dueAt: "2026-12-01T09:00:00", timeZone: "+02:00" }, "timeZone"],
    [{ timeZone: "Europe/Atlantis" }, "timeZone: must be an IANA time zone"],
    // Of a formatter that appends Z to a local time: an hour late.
    [{ timeZone: "Europe/Berlin" }, "dueAt: has another offset than timeZone"],
    [{ dueAt: "2027-06-01T09:00:00+01:00", timeZone: "Europe/Berlin" }, "dueAt: has another offset than timeZone"],
    [
      { dueAt: "2026-12-01T09:00:00+01:00", expiresAt: "2026-12-01T09:00:00Z", timeZone: "Europe/Berlin" },
      "expiresAt: has another offset than timeZone"
    ],
    [{ dueAt: "2036-12-01T09:00:00Z" }, "dueAt"],
    // What other languages write for no date at all.
    [{ dueAt: "0001-01-01T00:00:00Z" }, "dueAt: is before 1970"],
    [{ dueAt: "0001-01-01T00:00:00+01:00" }, "dueAt: is before 1970"],
    [{ dueAt: "1969-12-31T23:59:59.999Z" }, "dueAt: is before 1970"],
    [{ expiresAt: "0001-01-01T00:00:00Z" }, "expiresAt: is before 1970"],
    [{ expiresAt: "2026-12-01T08:59:59Z" }, "expiresAt"],
    [{ expiresAt: "2026-12-01T10:00:00Z", maxLatenessSeconds: 60 }, "maxLatenessSeconds"],
    [{ maxLatenessSeconds: -1 }, "maxLatenessSeconds"],
    // Its send would have to begin in that very millisecond.
    [{ maxLatenessSeconds: 0 }, "maxLatenessSeconds"],
    [{ retry: [{ attempts: 1, seconds: 0 }] }, "retry: must begin each tier with a tenth of a second or more"],
    [{ retry: Array.from({ length: 5 }, () => ({ attempts: 21, seconds: 1 })) }, "retry: must have at most 100 tries"],
    [{ metadata: { "a b": "c" } }, "metadata"],
    [{ metadata: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, ""])) }, "metadata"]
  ])("with %j is refused at %s", (fault, path) => {
    const problems = problemsOf(submit({ ...good, ...fault }))
    assert.isTrue(problems.length > 0 && problems.every((problem) => problem.startsWith(path)), String(problems))
  })

  it("may name the zone that its instants are written in", () => {
    for (const [dueAt, timeZone] of [
      ["2026-12-01T09:00:00+01:00", "Europe/Berlin"],
      ["2026-07-01T09:00:00+02:00", "Europe/Berlin"],
      ["2026-12-01T09:00:00Z", "Europe/London"],
      ["2026-12-01T09:00:00.000Z", "UTC"]
    ])
      assert.strictEqual(accepted({ ...good, dueAt, timeZone }).dueAt, fromMillis(Date.parse(dueAt ?? "")))
    // Of one local time the zone is needed: the other needs none.
    const mixed = { dueAt: "2026-12-01T09:00:00", expiresAt: "2026-12-01T10:00:00Z", timeZone: "Europe/Berlin" }
    assert.strictEqual(accepted({ ...good, ...mixed }).dueAt, "2026-12-01T08:00:00.000Z")
  })

  it("has its deadline as long after it as was asked, though a change of the clock skips both", () => {
    const skipped = { dueAt: "2027-03-28T02:05", expiresAt: "2027-03-28T02:55", timeZone: "Europe/Berlin" }
    assert.deepInclude(accepted({ ...good, ...skipped }), {
      dueAt: "2027-03-28T01:00:00.000Z",
      expiresAt: "2027-03-28T01:50:00.000Z"
    })
    const later = accepted({ ...good, ...skipped, expiresAt: "2027-03-28T03:30" })
    assert.strictEqual(later.expiresAt, "2027-03-28T01:30:00.000Z")
    assert.deepStrictEqual(problemsOf(submit({ ...good, ...skipped, expiresAt: "2027-03-28T02:00" })), [
      "expiresAt: is before dueAt"
    ])
  })

  it("may have 4096 code points, however many units they take", () => {
    const text = "💊".repeat(4_096)
    assert.deepStrictEqual(accepted({ ...good, content: { type: "text", text } }).content, { type: "text", text })
  })

  it("tells who it was about even when refused", () => {
    const result = submit({ ...good, priority: "high" })
    assert.deepInclude(Result.isFailure(result) ? result.failure : {}, { id: good.id, platform: "telegram" })
  })

  it.prop("that decodes gives a message that survives the wire", [commands.schedule], ([command]) => {
    const result = toMessage({ ...command, dueAt: good.dueAt, expiresAt: undefined, timeZone: undefined } as never, {
      ...rules,
      settled: (message) => message,
      unsendable: () => []
    })
    // As JSON has it, which knows no -0.
    const message = JSON.parse(JSON.stringify(Result.getOrThrow(result)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Message)(message), message)
  })
})

describe("a reschedule", () => {
  it("to no date at all is refused: its message would expire", () => {
    const dueAt = "0001-01-01T00:00:00Z"
    const result = Result.flatMap(decodeCommand("reschedule", { id: good.id, dueAt }), (command) =>
      changed(accepted(good), command, rules)
    )
    assert.deepStrictEqual(problemsOf(result), ["dueAt: is before 1970"])
  })

  const waiting = accepted({ ...good, maxLatenessSeconds: 90, priority: "urgent", metadata: { a: "1" } })
  const to = (json: object, from = waiting) =>
    Result.getOrThrow(
      Result.flatMap(decodeCommand("reschedule", { id: good.id, ...json }), (command) => changed(from, command, rules))
    )

  it("changes what it says, and nothing else: not how late the message may be", () => {
    const dueAt = "2026-12-02T09:00:00.000Z"
    assert.deepStrictEqual(to({ dueAt }), {
      ...waiting,
      ...{ dueAt, expiresAt: "2026-12-02T09:01:30.000Z", revision: 1 }
    })
    const content = { type: "text", text: "other" } as const
    const expiresAt = "2026-12-02T09:00:10.000Z"
    const metadata = { b: "2" }
    assert.deepStrictEqual(to({ dueAt, maxLatenessSeconds: 10, content, metadata }), {
      ...waiting,
      ...{ dueAt, expiresAt, content, metadata, revision: 1 }
    })
  })

  it("is counted if a receiver is told something else by it, and not if the same is asked for again", () => {
    const content = { type: "text", text: "other" } as const
    const { dueAt, metadata } = waiting
    const once = to({ dueAt, content })
    assert.strictEqual(once.revision, 1)
    for (const same of [{ dueAt }, { dueAt, content, metadata }, { dueAt, priority: "bulk", maxLatenessSeconds: 7 }])
      assert.strictEqual(to(same, once).revision, 1)
    assert.strictEqual(
      to({ dueAt, content: waiting.content }, once).revision,
      2,
      "what it was at first is not that again"
    )
    assert.notProperty(to({ dueAt, priority: "bulk" }), "revision")
  })

  it("of a message that never expires gives one that can be read again, and never expires", () => {
    const later = to({ dueAt: "2026-12-24T09:00:00Z" }, accepted({ ...good, expiresAt: "9999-12-31T23:59:59Z" }))
    assert.isTrue(Schema.is(Message)(later))
    assert.strictEqual(later.expiresAt, "9999-12-31T23:59:59.999Z")
  })
})

describe("the same id again", () => {
  const stored = accepted({ ...good, metadata: { a: "1", b: "2" } })
  const differing = (json: object) => {
    const command = Result.getOrThrow(decodeCommand("schedule", { ...good, ...json }))
    return conflicts(stored, command, Result.getOrThrow(toMessage(command, { ...rules, maxLateness: () => 1 })))
  }

  it("with the same content, in whatever order, does not conflict", () => {
    assert.deepStrictEqual(differing({ metadata: { b: "2", a: "1" } }), [])
  })
  it("with what stands now, after changes that were taken back, does not conflict", () => {
    const command = Result.getOrThrow(decodeCommand("schedule", { ...good, metadata: { a: "1", b: "2" } }))
    assert.deepStrictEqual(conflicts({ ...stored, revision: 2 }, command, stored), [])
  })
  it("with the same instant written otherwise does not conflict", () => {
    assert.deepStrictEqual(differing({ metadata: { a: "1", b: "2" }, dueAt: "2026-12-01T10:00:00+01:00" }), [])
  })
  it("with other content conflicts in the fields that differ", () => {
    assert.deepStrictEqual(differing({ priority: "urgent" }), ["priority", "metadata"])
  })
})

describe("a time", () => {
  const instant = (text: string, zone?: string) => fromMillis(Result.getOrThrow(parseInstant(text, zone)))

  it.each([
    ["2026-12-01T09:00:00Z", undefined, "2026-12-01T09:00:00.000Z"],
    ["2026-12-01t09:00:00z", undefined, "2026-12-01T09:00:00.000Z"],
    ["2026-12-01T09:00:00+05:30", undefined, "2026-12-01T03:30:00.000Z"],
    ["2026-12-01T09:00", "Europe/Berlin", "2026-12-01T08:00:00.000Z"],
    ["2026-07-01T09:00:00", "Europe/Berlin", "2026-07-01T07:00:00.000Z"]
  ])("%s in %s is %s", (text, zone, expected) => assert.strictEqual(instant(text, zone), expected))

  it("between two milliseconds is the later one: never early", () => {
    assert.strictEqual(instant("2026-12-01T09:00:00.000000001Z"), "2026-12-01T09:00:00.001Z")
  })
  it("that a change of the clock skips is the first instant after the gap", () => {
    assert.strictEqual(instant("2026-03-29T02:30:00", "Europe/Berlin"), "2026-03-29T01:00:00.000Z")
  })
  it("that occurs twice is the first of the two", () => {
    assert.strictEqual(instant("2026-10-25T02:30:00", "Europe/Berlin"), "2026-10-25T00:30:00.000Z")
  })
})
