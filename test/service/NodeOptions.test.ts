// However a service is started, Node is told the same of the memory that it may take.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { nodeOptions } from "../../deploy/local/NodeOptions.ts"

const text = (file: string) => readFileSync(join(import.meta.dirname, "../..", file), "utf8")

/** Each runs services. */
const starts = ["package.json", "deploy/systemd/carillon@.service", "deploy/image/entry.sh", "README.md"]

describe("a service", () => {
  it.each(starts)("is started by %s with the options that all have", (file) => {
    const commands = [...text(file).matchAll(/\bnode (?!_modules)(.*)services\/\S+\/main\.ts/g)].map(
      ([, options]) => options
    )
    assert.isAbove(commands.length, 0)
    for (const options of commands) for (const one of nodeOptions) assert.include(options, one)
  })
})
