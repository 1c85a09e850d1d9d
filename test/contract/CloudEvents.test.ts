// How commands come in and events go out.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { commandBody, eventHeaders, eventId } from "#shared/contract/CloudEvents.ts"
import { Event } from "#shared/contract/Events.ts"

const command = { id: "a", dueAt: "2026-12-01T09:00:00Z" }
const read = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  commandBody(Buffer.from(body), (name) => headers[name])

describe("a command", () => {
  const structured = { specversion: "1.0", id: "1", source: "/x", type: "y" }

  it("is the same bare, in binary mode, and in structured mode", () => {
    const bare = JSON.stringify(command)
    assert.deepStrictEqual(read(bare), Result.succeed(command))
    assert.deepStrictEqual(read(bare, { "ce-id": "1", "content-type": "application/json" }), Result.succeed(command))
    for (const header of ["content-type", "Content-Type"]) {
      const enveloped = read(JSON.stringify({ ...structured, data: command }), {
        [header]: "application/cloudevents+json; charset=utf-8"
      })
      assert.deepStrictEqual(enveloped, Result.succeed(command))
    }
    const base64 = read(JSON.stringify({ ...structured, data_base64: Buffer.from(bare).toString("base64") }), {
      "content-type": "application/cloudevents+json"
    })
    assert.deepStrictEqual(base64, Result.succeed(command))
  })

  it.each([
    ["a batch", "[]", { "content-type": "application/cloudevents-batch+json" }],
    ["no data", JSON.stringify(structured), { "content-type": "application/cloudevents+json" }],
    ["no object", "5", { "content-type": "application/cloudevents+json" }]
  ])("in an envelope with %s is refused", (_, body, headers) => {
    assert.isTrue(Result.isFailure(read(body, headers)))
  })

  it("that cannot be read is refused without repeating any of it", () => {
    for (const body of ["private words", '{"text":"private words', Uint8Array.of(0xff, 0xfe, 0x70)]) {
      const result = read(body)
      assert.isTrue(Result.isFailure(result))
      assert.notMatch(JSON.stringify(result), /private|words/)
    }
  })
})

describe("an event", () => {
  const attempted = { id: "m-1", platform: "telegram", at: "2026-12-01T09:00:00.000Z" } as const
  const started: Event = {
    type: "send-started",
    ...attempted,
    attempt: 2,
    sender: "default",
    recipient: { chatId: "1" },
    possibleDuplicate: false
  }

  it("carries the attributes of CloudEvents in its headers", () => {
    assert.deepStrictEqual(eventHeaders(started, "telegram-gateway"), {
      "ce-specversion": "1.0",
      "ce-id": "m-1.2.send-started",
      "ce-type": "carillon.message.send-started.v1",
      "ce-source": "/carillon/telegram-gateway",
      "ce-time": "2026-12-01T09:00:00.000Z",
      "ce-platform": "telegram",
      "ce-subject": "m-1",
      "ce-attempt": "2",
      "content-type": "application/json"
    })
  })

  it("has an id that says which attempt and what, and is the same each time", () => {
    const expired: Event = { type: "expired", ...attempted, attempt: 2, expiresAt: attempted.at }
    const ids = [eventId(started), eventId({ ...started, attempt: 3 }), eventId(expired)]
    assert.strictEqual(new Set(ids).size, 3)
    assert.strictEqual(eventId(started), eventId({ ...started, at: "2027-01-01T00:00:00.000Z" }))
  })

  it.prop("survives the wire", [Event], ([event]) => {
    const wire = JSON.stringify(event)
    const arrived = Schema.decodeUnknownSync(Event)(JSON.parse(wire))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(arrived)), JSON.parse(wire))
  })
})
