// What Telegram demands of entities, said apart from how they are made.
import { assert } from "@effect/vitest"
import type { Entity, Formatted } from "#shared/platforms/telegram/Formatted.ts"

const end = ({ offset, length }: Entity) => offset + length
const overlap = (a: Entity, b: Entity) => a.offset < end(b) && b.offset < end(a)
const within = (inner: Entity, outer: Entity) => outer.offset <= inner.offset && end(inner) <= end(outer)
const kind = ({ type }: Entity) =>
  type.endsWith("blockquote") ? "quote" : ["code", "pre", "text_link"].includes(type) ? "inline" : type
const isCode = ({ type }: Entity) => type === "code" || type === "pre"

export const assertWellFormed = ({ text, entities }: Formatted) => {
  for (const [index, entity] of entities.entries()) {
    const { length, offset } = entity
    const covered = text.slice(offset, offset + length)
    assert.isAbove(length, 0)
    assert.isTrue(offset >= 0 && offset + length <= text.length, "inside of the text")
    assert.isTrue(covered.isWellFormed() || !text.isWellFormed(), "around whole characters")
    assert.notMatch(covered, isCode(entity) ? /^\n|\s$/ : /^\s|\s$/, "without blank ends")
    for (const other of entities.slice(index + 1)) {
      assert.isAtLeast(other.offset, offset, "sorted")
      if (!overlap(entity, other)) continue
      assert.isTrue(within(other, entity) || within(entity, other), "nested or apart")
      assert.notStrictEqual(kind(entity), kind(other), "nothing in its own kind")
      const [a, b] = [kind(entity), kind(other)]
      if (isCode(entity) || isCode(other))
        assert.isTrue(a === "quote" || b === "quote", "nothing in or around code but quotes")
      if (a === "quote" && b === "inline") assert.isTrue(within(other, entity), "a quote holds whole links and code")
    }
  }
}
