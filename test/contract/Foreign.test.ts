// What a newer service writes stays as it is where an older one passes it on, and goes where it must not be told.
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeToPassOn, decodeWith } from "#shared/actor/Decode.ts"
import { withoutPerson } from "#shared/contract/Erasure.ts"
import { Attempt, events } from "#shared/contract/Events.ts"
import { TimerChange } from "#shared/contract/Timer.ts"
import { webhookPost } from "#shared/contract/WebhookPost.ts"
import { attemptOf } from "../support/Attempts.ts"

const known = attemptOf({ dueAt: "2026-12-01T09:00:00.000Z", expiresAt: "2026-12-01T10:00:00.000Z" })
const { message } = known
const newer = {
  ...message,
  later: { said: "hello" },
  recipient: { ...message.recipient, later: 1 },
  content: { ...message.content, later: [1, 2] },
  fallback: [{ platform: "webhook", recipient: { url: "https://example.org", later: 1 }, later: true }]
} as unknown as Attempt["message"]
const attempt = { ...known, message: newer }

const passedOn = (text: unknown, schema: Parameters<typeof decodeToPassOn>[0]) =>
  Result.getOrThrow(decodeToPassOn(schema)(JSON.stringify(text))) as object

describe("fields that a newer service wrote", () => {
  it("are passed on, at every depth of a message", () => {
    assert.deepStrictEqual(passedOn(attempt, Attempt), attempt)
    const change = { change: "cancel", cause: "command-1-1", old: attempt, firesAt: message.dueAt }
    assert.deepStrictEqual(passedOn(change, TimerChange), change)
  })

  it("are not taken from an event into what is read out of it", () => {
    const event = { type: "dispatched", at: message.dueAt, ...attempt }
    assert.deepStrictEqual(passedOn(event, Attempt), attempt)
    assert.deepStrictEqual(passedOn({ ...event, later: 1 }, events.dispatched), event)
  })

  it("make nothing readable that is not, and nothing else of what is", () => {
    const read = decodeToPassOn(Attempt)
    assert.isTrue(Result.isFailure(read(JSON.stringify({ ...attempt, attempt: "1" }))))
    assert.isTrue(Result.isFailure(read("{")))
    const text = JSON.stringify(known)
    assert.deepStrictEqual(Result.getOrThrow(read(text)), Result.getOrThrow(decodeWith(Attempt)(text)))
  })

  it("are not told to a webhook, and not kept of who was erased", () => {
    const { fallback: _, ...plain } = message
    const { recipient, platform, sender, unknownOutcome, ...told } = plain
    assert.deepStrictEqual(webhookPost(attempt), { type: "message", ...told, attempt: 1, possibleDuplicate: false })
    const left = withoutPerson({ type: "scheduled", at: message.dueAt, message: newer, cause: "kept" })
    assert.strictEqual(JSON.stringify(left).includes("later"), false)
  })
})
