// The arithmetic of entities.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Entity } from "#shared/platforms/telegram/Formatted.ts"
import { tidy } from "#shared/platforms/telegram/Tidy.ts"
import { assertWellFormed } from "./Entities.ts"
import { anyFormatted } from "./Texts.ts"

const at = (type: Entity["type"], offset: number, end: number): Entity => ({ type, offset, length: end - offset })

describe("entities made tidy", () => {
  it("are what Telegram takes, whatever they were", () => {
    fc.assert(
      fc.property(anyFormatted(), ({ text, entities }) => {
        assertWellFormed({ text, entities: tidy(text, entities) })
      }),
      { numRuns: 2_000 }
    )
  })

  it("stay as they are when made tidy again", () => {
    fc.assert(
      fc.property(anyFormatted(), ({ text, entities }) => {
        const once = tidy(text, entities)
        assert.deepStrictEqual(tidy(text, once), once)
      }),
      { numRuns: 2_000 }
    )
  })

  it("mark every character with a style that it was marked with, but for blanks and code", () => {
    fc.assert(
      fc.property(anyFormatted(60), ({ text, entities }) => {
        const tidied = tidy(text, entities)
        const code = tidied.filter(({ type }) => type === "code" || type === "pre")
        const covers = (index: number) => (entity: Entity) =>
          entity.offset <= index && index < entity.offset + entity.length
        for (const style of ["bold", "italic", "spoiler"] as const) {
          for (let index = 0; index < text.length; index++) {
            if (/\s/.test(text.charAt(index)) || code.some(covers(index))) continue
            const wanted = entities.some((entity) => entity.type === style && covers(index)(entity))
            const has = tidied.some((entity) => entity.type === style && covers(index)(entity))
            // The other half of a surrogate pair is marked with it.
            if (wanted) assert.isTrue(has)
          }
        }
      }),
      { numRuns: 500 }
    )
  })

  for (const [what, text, given, expected] of [
    ["lose their blank ends", " a b ", [at("bold", 0, 5)], [at("bold", 1, 4)]],
    ["that are blank are gone", "a  b", [at("italic", 1, 3)], []],
    [
      "that cross are cut where they do",
      "abcd",
      [at("bold", 0, 3), at("italic", 1, 4)],
      [at("bold", 0, 3), at("italic", 1, 3), at("italic", 3, 4)]
    ],
    [
      "of a style are not in code",
      "abcde",
      [at("bold", 0, 5), at("code", 2, 3)],
      [at("bold", 0, 2), at("code", 2, 3), at("bold", 3, 5)]
    ],
    ["of one style that touch are one", "abcd", [at("bold", 0, 2), at("bold", 2, 4)], [at("bold", 0, 4)]],
    [
      "keep the outer of two quotes",
      "abcd",
      [at("blockquote", 0, 4), at("blockquote", 1, 2)],
      [at("blockquote", 0, 4)]
    ],
    ["of code keep its indent", "\n  a\n", [at("pre", 0, 5)], [at("pre", 1, 4)]]
  ] as const)
    it(what, () => assert.deepStrictEqual(tidy(text, given), [...expected]))
})
