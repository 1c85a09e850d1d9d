// What is typed on the command line.
import { assert, describe, it } from "@effect/vitest"
import { withNegativeValues } from "#cli/Arguments.ts"

describe("a value that begins with a minus", () => {
  it("belongs to the flag before it", () => {
    assert.deepStrictEqual(withNegativeValues(["list", "--from", "-1d", "--to", "+1d", "--limit", "5"]), [
      ...["list", "--from=-1d", "--to", "+1d", "--limit", "5"]
    ])
    assert.deepStrictEqual(withNegativeValues(["schedule", "--to", "-1001234567890", "--text", "-"]), [
      ...["schedule", "--to=-1001234567890", "--text", "-"]
    ])
  })
  it("is left alone where no flag waits for one", () => {
    const plain = ["show", "-1", "--json", "--from=-1d", "-2d", "--from", "-1d", "-1d"]
    assert.deepStrictEqual(withNegativeValues(plain), [
      "show",
      "-1",
      "--json",
      "--from=-1d",
      "-2d",
      "--from=-1d",
      "-1d"
    ])
  })
})
