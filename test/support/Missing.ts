// Tools that not every machine has: what is not tested for want of one is said loudly, and in CI that is a failure.
import { execFileSync } from "node:child_process"

export const missing = (tool: string) => {
  if (process.env.CI) throw new Error(`${tool} cannot be had, and CI must not go on without it`)
  console.warn(`NOT TESTED, for want of ${tool}`)
}

export const installed = (command: string): boolean => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    missing(command)
    return false
  }
}
