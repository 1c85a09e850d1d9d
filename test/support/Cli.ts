// Runs `carillon` as a person or a script would: in the host of the test file, or as the real ./carillon.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"
import { nothingRuns } from "./CompileCache.ts"
import { type Ended, hostedCommand } from "./host/Hosted.ts"
import { canBeHosted } from "./host/Hosting.ts"

const root = join(import.meta.dirname, "../..")

/** As a process wherever something is read from standard input, of which a process has one. */
export const cli =
  (environment: Readonly<Record<string, string>>) =>
  (args: ReadonlyArray<string>, input?: string): Effect.Effect<Ended> =>
    input === undefined && !args.includes("-") && canBeHosted(environment)
      ? hostedCommand(args, environment)
      : cliProcess(environment)(args, input)

export const cliProcess =
  (environment: Readonly<Record<string, string>>) =>
  (args: ReadonlyArray<string>, input = "") =>
    Effect.callback<Ended>((resume) => {
      const child = spawn(join(root, "carillon"), [...args], {
        env: { PATH: process.env.PATH, ...nothingRuns, ...environment }
      })
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk) => {
        out += chunk
      })
      child.stderr.on("data", (chunk) => {
        err += chunk
      })
      child.on("close", (code) => resume(Effect.succeed({ code, out, err })))
      // It need not read all of it.
      child.stdin.on("error", () => {})
      child.stdin.end(input)
      return Effect.sync(() => child.kill("SIGKILL"))
    })
