// The examples of docs/messages.md are commands that are accepted.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { small } from "./Corpus.ts"
import { submit } from "./Submit.ts"

const page = readFileSync(join(import.meta.dirname, "../../docs/messages.md"), "utf8")
const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]) => JSON.parse(json) as { type: string })

describe("the page on what a message can be", () => {
  it("has examples", () => assert.isAtLeast(examples.length, 8))
  for (const [index, content] of examples.entries())
    it(`shows what is accepted: example ${index + 1}, ${content.type}`, () =>
      assert.deepStrictEqual(submit("schedule", { ...small, content }), []))
})
