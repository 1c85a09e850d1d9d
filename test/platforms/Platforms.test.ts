// What a platform never would take is known before it is scheduled.
import { assert, describe, it } from "@effect/vitest"
import type { Content } from "#shared/contract/Content.ts"
import { unsendable } from "#shared/platforms/Platforms.ts"

const content = { type: "text", text: "hello" } as const

describe("a message", () => {
  it("needs the address of its platform", () => {
    assert.deepStrictEqual(unsendable({ platform: "telegram", recipient: { chatId: "1" }, content }), [])
    assert.deepStrictEqual(unsendable({ platform: "webhook", recipient: { chatId: "1" }, content }), [
      { path: "recipient.url", problem: "is required on webhook" }
    ])
  })

  it("needs an address that can be read, without a password that would stand in every record", () => {
    const on = (url: string) => unsendable({ platform: "webhook", recipient: { url }, content })
    for (const url of ["https://clinic.example", "http://10.0.0.7:8080/in?ward=7"]) assert.deepStrictEqual(on(url), [])
    for (const url of [
      "https://[",
      "https://clinic.example:99999/",
      "https://u@clinic.example",
      "https://:p@clinic.example"
    ]) {
      assert.deepStrictEqual(
        on(url).map(({ path }) => path),
        ["recipient.url"],
        url
      )
      assert.notInclude(JSON.stringify(on(url)), "clinic")
    }
  })

  it("is refused for its text where the platform takes none so long, and not where it takes any", () => {
    const long = { type: "text", text: "💊".repeat(4_097) } as const
    const on = (content: Content) => unsendable({ platform: "telegram", recipient: { chatId: "1" }, content })
    assert.deepStrictEqual(
      on(long).map(({ path }) => path),
      ["content.text"]
    )
    assert.deepStrictEqual(on({ ...long, tooLong: "split" }), [])
    const whole = { type: "text", text: "💊".repeat(4_096) } as const
    assert.deepStrictEqual(unsendable({ platform: "telegram", recipient: { chatId: "1" }, content: whole }), [])
    assert.deepStrictEqual(
      unsendable({ platform: "webhook", recipient: { url: "https://clinic.example" }, content: long }),
      []
    )
  })

  it("is refused for a kind of content that its platform does not carry, by a fallback too", () => {
    const video = { type: "video" } as never
    assert.deepStrictEqual(
      unsendable({ platform: "telegram", recipient: { chatId: "1" }, content: { type: "no such kind" } as never }),
      [{ path: "content.type", problem: "is not carried by telegram" }]
    )
    const fallback = [{ platform: "telegram", recipient: { chatId: "1" }, content: { type: "no such kind" } as never }]
    assert.deepStrictEqual(
      unsendable({
        platform: "webhook",
        recipient: { url: "https://clinic.example" },
        content: video,
        fallback: fallback as never
      }).map(({ path }) => path),
      ["fallback.0.content.type"]
    )
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
