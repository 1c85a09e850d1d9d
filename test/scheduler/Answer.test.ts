// Which of two commands is the later one decides whether the other is refused: only where that is sure.
import { assert, describe, it } from "@effect/vitest"
import { isLater } from "../../services/scheduler/commands/Answer.ts"

describe("a command is later than another", () => {
  it("by its place, also within a millisecond", () => {
    assert.isTrue(isLater("command-10-500", "command-9-400"))
    assert.isTrue(isLater("command-10-500", "command-9-500"))
    assert.isFalse(isLater("command-9-400", "command-10-500"))
    assert.isFalse(isLater("command-9-400", "command-9-400"))
  })

  it("not when a clock was set back in between, nor when the stream was made anew", () => {
    assert.isFalse(isLater("command-9-500", "command-10-400"))
    assert.isFalse(isLater("command-500-400", "command-3-500"))
  })
})
