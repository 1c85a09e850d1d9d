// The start by an older Node than the project's: what becomes of the command is what becomes of the start.
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { nothingRuns } from "../support/CompileCache.ts"

const root = join(import.meta.dirname, "../..")

/** Older by its own word; and the command stays in its imports, where no signal is heard of yet. */
const older = `
if (process.argv[1].endsWith("carillon.mjs"))
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "24.0.0" } })
else {
  console.log("up")
  await new Promise((resolve) => setTimeout(resolve, 60_000))
}
`

describe("the command line, started by an older Node", () => {
  it.live.each(["SIGTERM", "SIGINT"] as const)("broken off by %s, does not end as if it were done", (signal) =>
    Effect.gen(function* () {
      const hook = join(yield* temporaryFolder("older"), "older.mjs")
      writeFileSync(hook, older)
      const child = spawn(process.execPath, [join(root, "cli/carillon.mjs"), "doctor"], {
        env: { PATH: process.env.PATH, NODE_OPTIONS: `--import ${hook}`, ...nothingRuns },
        stdio: ["ignore", "pipe", "inherit"]
      })
      const code = yield* Effect.callback<number | null>((resume) => {
        child.stdout.once("data", () => child.kill(signal))
        child.once("close", (code) => resume(Effect.succeed(code)))
        return Effect.sync(() => child.kill("SIGKILL"))
      })
      assert.strictEqual(code, 130)
    })
  )
})
