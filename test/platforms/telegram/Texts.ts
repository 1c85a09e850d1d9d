// Texts and entities of every sort, for properties.
import * as fc from "fast-check"
import type { Entity } from "#shared/platforms/telegram/Formatted.ts"

const pieces = [
  ..."abcxyzÄßжя",
  ...[" ", "  ", "\n", "\n\n", "\r\n", "\t", ". ", "! ", "。", "、", "\u00a0", "\u2003"],
  ...["薬", "を", "กิน", "ยา", "한", "글", "नमस्ते", "مرحبا", "שלום"],
  ...["💊", "👩‍⚕️", "👨‍👩‍👧‍👦", "🇩🇪", "🇫🇷", "❤️", "1️⃣", "👍🏽"],
  ...["e\u0301", "\u0301", "\u200b", "\u200d", "\ufe0f", "\u2060", "\u3164", "\u0007"],
  ...[
    "*",
    "_",
    "**",
    "`",
    "```",
    "[",
    "](http://a.example)",
    "<b>",
    "</b>",
    "<",
    ">",
    "&amp;",
    "&",
    "- ",
    "> ",
    "# ",
    "|",
    "\\"
  ]
]

/** Well-formed Unicode, as the contract has it. */
export const anyText = (maxLength = 200): fc.Arbitrary<string> =>
  fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength }).map((all) => all.join("")),
    fc.string({ unit: "binary", maxLength }),
    fc.string({ unit: "grapheme", maxLength })
  )

const types = [
  "bold",
  "italic",
  "underline",
  "strikethrough",
  "spoiler",
  "blockquote",
  "expandable_blockquote"
] as const

/** Any, also crossing, outside of the text and in the middle of characters. */
export const anyEntities = (length: number): fc.Arbitrary<ReadonlyArray<Entity>> => {
  const place = { offset: fc.integer({ min: -2, max: length + 2 }), length: fc.integer({ min: 0, max: length + 2 }) }
  return fc.array(
    fc.oneof(
      fc.record({ type: fc.constantFrom(...types), ...place }),
      fc.record({ type: fc.constant("code" as const), ...place }),
      fc.record({ type: fc.constant("pre" as const), language: fc.constant("js"), ...place }),
      fc.record({ type: fc.constant("text_link" as const), url: fc.webUrl(), ...place })
    ),
    { maxLength: 30 }
  )
}

export const anyFormatted = (maxLength = 200) =>
  anyText(maxLength).chain((text) => fc.record({ text: fc.constant(text), entities: anyEntities(text.length) }))
