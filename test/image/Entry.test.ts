// What a container is told to run, and how it ends while it still loads.
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const root = join(import.meta.dirname, "../..")

const entry = (...args: ReadonlyArray<string>) =>
  spawnSync(join(root, "deploy/image/entry.sh"), args, { encoding: "utf8", cwd: "/", timeout: 60_000 })

const services = readdirSync(join(root, "services")).join(" ")

describe("the entry of the image", () => {
  it.each([
    ["no argument", [], "Say which service to run."],
    ["a service that there is not", ["courier"], "There is no service courier."],
    ["a path", ["../cli"], "There is no service ../cli."],
    ["two services", ["scheduler", "ledger"], "A service takes no arguments."]
  ])("refuses %s, and lists the services", (_, args, says) => {
    const { status, stderr, stdout } = entry(...args)
    assert.strictEqual(status, 2)
    assert.include(stderr, says)
    assert.include(stderr, services)
    assert.strictEqual(stdout, "")
  })

  it("lets nothing that it starts leave a core dump, in which text and tokens would be", () => {
    const folder = mkdtempSync(join(tmpdir(), "entry-"))
    writeFileSync(join(folder, "node"), "#!/bin/sh\nulimit -c\n", { mode: 0o755 })
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
    const { stdout } = spawnSync(join(root, "deploy/image/entry.sh"), ["scheduler"], { encoding: "utf8", env })
    rmSync(folder, { recursive: true })
    assert.strictEqual(stdout, "0\n")
  })

  it("explains itself", () => {
    const { status, stdout } = entry("--help")
    assert.strictEqual(status, 0)
    assert.include(stdout, services)
  })

  it("runs the command line, with its exit code", () => {
    assert.match(entry("carillon", "--version").stdout, /^carillon v/)
    assert.strictEqual(entry("carillon", "nonsense").status, 2)
  })
})

/** Says `loaded`, and is told to stop. */
const stopped = (program: string) =>
  Effect.callback<number | null>((resume) => {
    const preload = join(root, "deploy/image/EarlyStop.ts")
    const child = spawn(process.execPath, ["--import", preload, "-e", `${program}; console.log("loaded")`])
    child.stdout.on("data", () => child.kill("SIGTERM"))
    child.once("exit", (code) => resume(Effect.succeed(code)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("SIGTERM", () => {
  it.live("ends what still loads, by its own exit", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stopped("setInterval(() => {}, 1000)"), 143)
    })
  )

  it.live("is left to who listens to it", () =>
    Effect.gen(function* () {
      const listens = `process.on("SIGTERM", () => setTimeout(() => process.exit(0), 10)); setInterval(() => {}, 1000)`
      assert.strictEqual(yield* stopped(listens), 0)
    })
  )
})
