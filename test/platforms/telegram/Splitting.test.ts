// Long text in parts: nothing lost, nothing broken, cut where a reader would.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Formatted, isVisible } from "#shared/platforms/telegram/Formatted.ts"
import { split } from "#shared/platforms/telegram/Splitting.ts"
import { tidy } from "#shared/platforms/telegram/Tidy.ts"
import { assertWellFormed } from "./Entities.ts"
import { anyFormatted } from "./Texts.ts"

const small = { length: 24, entities: 12 }
const few = { length: 24, entities: 4 }
const joined = (parts: ReadonlyArray<Formatted>) => parts.map(({ text }) => text).join("")
const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" })
const boundaries = (text: string) => new Set([...segmenter.segment(text)].map(({ index }) => index))
const longestGrapheme = (text: string) =>
  Math.max(0, ...[...segmenter.segment(text)].map(({ segment }) => segment.length))
const cutsOf = (parts: ReadonlyArray<Formatted>) => {
  let at = 0
  return parts.slice(0, -1).map(({ text }) => (at += text.length))
}
const plain = (text: string): Formatted => ({ text, entities: [] })
const texts = (text: string, length = 24) => split(plain(text), { length, entities: 100 }).map((part) => part.text)

const property = (check: (whole: Formatted, parts: ReadonlyArray<Formatted>) => void) =>
  fc.assert(
    fc.property(anyFormatted(150), (whole) => check(whole, split(whole, small))),
    { numRuns: 2_000 }
  )

describe("the parts of any text with any entities", () => {
  it("are the text again when joined, every time the same", () => {
    property((whole, parts) => {
      assert.strictEqual(joined(parts), whole.text)
      assert.deepStrictEqual(split(whole, small), parts)
    })
  })

  it("are within the limits, and break no surrogate pair", () => {
    property((whole, parts) => {
      if (parts.length === 1) return
      for (const { text, entities } of parts) {
        assert.isAtMost(text.length, small.length)
        assert.isAtMost(entities.length, small.entities)
        assert.isTrue(text.isWellFormed() || !whole.text.isWellFormed())
        assert.isAbove(text.length, 0)
      }
    })
  })

  it("end between characters as readers see them, unless one is longer than a part", () => {
    property(({ text }, parts) => {
      if (longestGrapheme(text) > small.length) return
      const between = boundaries(text)
      for (const cut of cutsOf(parts)) assert.isTrue(between.has(cut), `a cut at ${cut}`)
    })
  })

  it("have something to see, if no stretch of the text that shows nothing is longer than a third of a part", () => {
    property((whole) => {
      const blank = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u115f\u1160\u2800\u3164\uffa0]+/gu
      const text = whole.text.trim()
      const longest = Math.max(0, ...[...text.matchAll(blank)].map(([run]) => run.length), longestGrapheme(text))
      if (!isVisible(text) || longest > small.length / 3) return
      for (const part of split({ ...whole, text }, { ...small, entities: 100 }))
        assert.isTrue(isVisible(part.text), JSON.stringify(part.text))
    })
  })

  it("have the entities of the text, each where it belongs", () => {
    property((whole) => {
      const parts = split(whole, { ...small, entities: 100 })
      if (parts.length === 1) return
      for (const part of parts) assertWellFormed(part)
      const marks = (text: string, entities: Formatted["entities"], from: number) =>
        entities.flatMap(({ type, offset, length, url }) =>
          Array.from({ length }, (_, index) => offset + index)
            .filter((index) => !/\s/.test(text.charAt(index)))
            .map((index) => `${from + index} ${type} ${url ?? ""}`)
        )
      let from = 0
      const found = parts.flatMap(({ text, entities }) => {
        const here = marks(text, entities, from)
        from += text.length
        return here
      })
      assert.sameMembers(found, marks(whole.text, tidy(whole.text, whole.entities), 0))
    })
  })

  it("keep code in a quote where a cut leaves blanks before both", () => {
    const entities = [
      { type: "expandable_blockquote" as const, offset: 11, length: 14 },
      { type: "pre" as const, language: "js", offset: 19, length: 6 }
    ]
    const [, second] = split({ text: "](http://a.example)\r\n<\u0007z**、", entities }, { ...small, entities: 100 })
    assert.deepStrictEqual(
      second?.entities.map(({ type, offset }) => [type, offset]),
      [
        ["expandable_blockquote", 2],
        ["pre", 2]
      ]
    )
  })

  it("leave links and code whole if there is a place before them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("word ", "longer words ", "x. "), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: small.length }),
        fc.constantFrom("text_link" as const, "code" as const, "pre" as const),
        (before, length, type) => {
          const start = before.join("")
          const text = `${start}${"m n ".repeat(small.length).slice(0, length).trimEnd()}z and more words behind it`
          const marked = text.slice(start.length, text.indexOf("z", start.length) + 1)
          if (marked.length > small.length) return
          const entity = { type, offset: start.length, length: marked.length }
          const parts = split({ text, entities: [entity] }, { ...small, entities: 100 })
          assert.isTrue(
            parts.some((part) =>
              part.entities.some((one) => part.text.slice(one.offset, one.offset + one.length) === marked)
            ),
            JSON.stringify(parts)
          )
        }
      ),
      { numRuns: 2_000 }
    )
  })
})

describe("a long text is cut", () => {
  it("at a paragraph rather than at a line", () => {
    assert.deepStrictEqual(texts("one two three\n\nfour\nfive six seven"), [
      "one two three\n\n",
      "four\nfive six seven"
    ])
  })
  it("at a line rather than at a sentence", () => {
    assert.deepStrictEqual(texts("one two three\nfour. five six seven"), ["one two three\n", "four. five six seven"])
  })
  it("at a sentence rather than at a word", () => {
    assert.deepStrictEqual(texts("one two three. four five six seven"), ["one two three. ", "four five six seven"])
  })
  it("at a word rather than in it", () => {
    assert.deepStrictEqual(texts("one two three four five six seven"), ["one two three four five ", "six seven"])
  })
  it("between the words of a script without spaces", () => {
    for (const part of texts("กินยาหลังอาหารวันละสามครั้งทุกวัน")) assert.match(part, /^(กิน|อาหาร|วัน|สาม|ครั้ง|ทุก|หลัง|ยา|ละ)/)
  })
  it("between characters where there is nothing else", () => {
    assert.deepStrictEqual(texts("👩‍⚕️".repeat(9)), ["👩‍⚕️".repeat(4), "👩‍⚕️".repeat(4), "👩‍⚕️"])
  })
  it("in a character only if that is longer than a part", () => {
    const parts = texts(`a${"\u0301".repeat(60)}`)
    assert.deepStrictEqual(
      parts.map(({ length }) => length),
      [24, 24, 13]
    )
  })

  it("with long code in several codes, at lines", () => {
    const code = "let a = 1\nlet b = 2\nlet c = 3\nlet d = 4"
    const parts = split(
      { text: code, entities: [{ type: "pre", language: "js", offset: 0, length: code.length }] },
      small
    )
    assert.deepStrictEqual(
      parts.map(({ text }) => text),
      ["let a = 1\nlet b = 2\n", "let c = 3\nlet d = 4"]
    )
    for (const { entities } of parts)
      assert.deepStrictEqual(entities, [{ type: "pre", language: "js", offset: 0, length: 19 }])
  })

  it("nowhere that leaves nothing to see before or behind", () => {
    const nothing = "\u200b"
    assert.deepStrictEqual(texts(`${nothing.repeat(13)}\nabcdefghijklmn`), [
      `${nothing.repeat(13)}\nabcdefghij`,
      "klmn"
    ])
    assert.deepStrictEqual(texts(`${"a".repeat(20)}${nothing.repeat(8)}`), ["a".repeat(19), `a${nothing.repeat(8)}`])
  })

  it("before one part has more markup than Telegram reads", () => {
    const text = "a b c d e f"
    const entities = [0, 2, 4, 6, 8, 10].map((offset) => ({ type: "bold" as const, offset, length: 1 }))
    assert.deepStrictEqual(
      split({ text, entities }, few).map((part) => [part.text, part.entities.length]),
      [
        ["a b c d ", 4],
        ["e f", 2]
      ]
    )
  })

  it("not at all if Telegram takes it, counted in characters", () => {
    assert.lengthOf(split(plain("💊".repeat(4_096))), 1)
    const parts = split(plain("💊".repeat(4_097)))
    assert.deepStrictEqual(
      parts.map(({ text }) => text.length),
      [4_096, 4_096, 2]
    )
  })
})
