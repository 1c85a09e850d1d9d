// What a platform never would take is known before it is scheduled.
import { assert, describe, it } from "@effect/vitest"
import { unsendable } from "#shared/platforms/Platforms.ts"

const content = { type: "text", text: "hello" } as const

describe("a message", () => {
  it("needs the address of its platform", () => {
    assert.deepStrictEqual(unsendable({ platform: "telegram", recipient: { chatId: "1" }, content }), [])
    assert.deepStrictEqual(unsendable({ platform: "webhook", recipient: { chatId: "1" }, content }), [
      { path: "recipient.url", problem: "is required on webhook" }
    ])
  })

  it("may have a contact for an address, where people can link themselves", () => {
    const contact = { contact: "p-1" }
    assert.deepStrictEqual(unsendable({ platform: "telegram", recipient: contact, content }), [])
    assert.deepStrictEqual(
      unsendable({ platform: "webhook", recipient: contact, content }).map(({ path }) => path),
      ["recipient.url"]
    )
    assert.deepStrictEqual(unsendable({ platform: "telegram", recipient: { url: "https://x.example" }, content }), [
      { path: "recipient.chatId", problem: "is required on telegram, or contact" }
    ])
  })

  it("needs it for each channel that it may fall back to", () => {
    const fallback = [
      { platform: "webhook", recipient: { url: "https://clinic.example" } },
      { platform: "telegram", recipient: { url: "https://clinic.example" } }
    ] as const
    assert.deepStrictEqual(
      unsendable({ platform: "telegram", recipient: { chatId: "1" }, content, fallback }).map(({ path }) => path),
      ["fallback.1.recipient.chatId"]
    )
  })
})
