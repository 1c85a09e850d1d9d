// Runs the real ./carillon as a person or a script would.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const root = join(import.meta.dirname, "../..")

export const cli =
  (environment: Readonly<Record<string, string>>) =>
  (args: ReadonlyArray<string>, input = "") =>
    Effect.callback<Ended>((resume) => {
      const child = spawn(join(root, "carillon"), [...args], {
        env: { PATH: process.env.PATH, CARILLON_HOME: "/nonexistent", ...environment }
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
