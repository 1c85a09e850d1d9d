// What Telegram would never take is known before it is scheduled, and text that is too long is split or refused as told.
import { assert, describe, it } from "@effect/vitest"
import type { Content } from "#shared/contract/Content.ts"
import { settling } from "#shared/platforms/Platforms.ts"
import { partsOf, telegramRules } from "#shared/platforms/telegram/TelegramRules.ts"
import { waiting } from "../../contract/Submit.ts"

const problems = (content: Content) =>
  telegramRules.contentProblems(content).map(({ path, problem }) => `${path}: ${problem}`)
const text = (text: string, more: Partial<Extract<Content, { type: "text" }>> = {}): Content => ({
  type: "text",
  text,
  ...more
})
const marks = (count: number) => "**a** ".repeat(count)
const object = { object: "a" }

describe("Telegram takes", () => {
  for (const [what, content] of [
    ["4096 characters", text("💊".repeat(4_096))],
    ["more before its markup is read", text(`<i>${"a".repeat(4_096)}</i>`, { format: "html" })],
    ["text to be split", text("word ".repeat(6_000), { tooLong: "split" })],
    ["100 places with markup", text(marks(100), { format: "markdown" })],
    ["more of them in parts", text(marks(101), { format: "markdown", tooLong: "split" })],
    ["a caption of 1024", { type: "photo", file: object, caption: "a".repeat(1_024) }],
    ["an object with a name", { type: "document", file: object, name: "a.pdf" }],
    [
      "photos and videos together",
      {
        type: "album",
        items: [
          { type: "photo", file: object },
          { type: "video", file: object }
        ]
      }
    ],
    [
      "documents together",
      {
        type: "album",
        items: [
          { type: "document", file: object },
          { type: "document", file: object }
        ]
      }
    ],
    ["a button to a chat", text("a", { buttons: [[{ text: "a", url: "tg://resolve?domain=clinic" }]] })]
  ] satisfies ReadonlyArray<readonly [string, Content]>)
    it(what, () => assert.deepStrictEqual(problems(content), []))
})

describe("Telegram would not take", () => {
  for (const [what, content, ...expected] of [
    ["4097 characters", text("a".repeat(4_097)), /^text: has more than 4096 characters .*tooLong/],
    ["101 places with markup", text(marks(101), { format: "markdown" }), /^text: has more than 100 places/],
    ["nothing", text("<b> </b>", { format: "html" }), /^text: is empty/],
    ["what is drawn as nothing", text("\u200b\u3164"), /^text: is empty/],
    [
      "a book",
      text("a ".repeat(16_000) + marks(2_200), { format: "markdown", tooLong: "split" }),
      /^text: would take \d+ messages: at most 20/
    ],
    ["an empty part", text(`a${" ".repeat(10_000)}b`, { tooLong: "split" }), /^text: has a blank stretch/],
    ["a caption of 1025", { type: "photo", file: object, caption: "a".repeat(1_025) }, /^caption: has more than 1024/],
    ["a caption of nothing", { type: "photo", file: object, caption: "<i></i>", format: "html" }, /^caption: is empty/],
    ["a name for a file that has one", { type: "document", file: { fileId: "a" }, name: "a.pdf" }, /^name: /],
    ["a file in this very house", { type: "photo", file: { url: "https://nas/a.jpg" } }, /^file\.url: /],
    [
      "a photo with a document",
      {
        type: "album",
        items: [
          { type: "photo", file: object },
          { type: "document", file: object }
        ]
      },
      /^items: /
    ],
    [
      "a faulty one of an album",
      {
        type: "album",
        items: [
          { type: "photo", file: object },
          { type: "photo", file: { url: "https://nas/a" } }
        ]
      },
      /^items\.1\.file\.url: /
    ],
    [
      "a button to nowhere",
      text("a", {
        buttons: [
          [
            { text: "a", reply: "b" },
            { text: "a", url: "https://a" }
          ]
        ]
      }),
      /^buttons\.0\.1\.url: /
    ]
  ] satisfies ReadonlyArray<readonly [string, Content, ...Array<RegExp>]>)
    it(what, () => {
      const found = problems(content)
      assert.lengthOf(found, expected.length, String(found))
      for (const [index, pattern] of expected.entries()) assert.match(found[index] as string, pattern)
    })
})

describe("text that is too long", () => {
  const long = { type: "text", text: "word ".repeat(1_000) } as const
  const settled = (tooLong: "split" | "refuse", content: Content) => settling(tooLong)({ ...waiting, content }).content

  it("is split where that is configured, and says so itself from then on", () => {
    const content = settled("split", long)
    assert.deepStrictEqual(content, { ...long, tooLong: "split" })
    assert.deepStrictEqual(problems(content), [])
    assert.lengthOf(partsOf(content as never), 2)
  })
  it("is refused where nothing is configured", () => assert.deepStrictEqual(settled("refuse", long), long))
  it("is refused if it says so, whatever is configured", () => {
    const content = settled("split", { ...long, tooLong: "refuse" })
    assert.lengthOf(problems(content), 1)
  })
  it("is not what is within the limit", () => {
    assert.deepStrictEqual(settled("split", text("short")), text("short"))
  })
  it("on another platform is settled for the channel that falls back to Telegram", () => {
    const recipient = { url: "https://clinic.example" }
    const fallback = [
      { platform: "telegram", recipient: { chatId: "1" } },
      { platform: "telegram", recipient: { chatId: "1" }, content: text("short") }
    ] as const
    const message = settling("split")({ ...waiting, platform: "webhook", recipient, content: long, fallback })
    assert.deepStrictEqual(message.content, { ...long, tooLong: "split" })
    assert.deepStrictEqual(message.fallback, fallback)
    const own = settling("split")({
      ...waiting,
      fallback: [{ platform: "telegram", recipient: { chatId: "1" }, content: long }]
    })
    assert.deepStrictEqual(own.fallback?.[0]?.content, { ...long, tooLong: "split" })
    assert.deepStrictEqual(own.content, waiting.content)
  })
})
