#!/usr/bin/env node
// Starts the command line: in this Node if it is new enough, else in the one that the project brings.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import module from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const brought = join(root, "node_modules/node/bin/node")
// Compiled once, a command starts in half the time.
const cache = join(process.env.CARILLON_HOME || join(root, ".carillon"), "compile-cache")

if (Number(process.versions.node.split(".")[0]) >= 26 || !existsSync(brought)) {
  module.enableCompileCache?.(cache)
  const { main } = await import("./main.ts")
  main()
} else {
  const child = spawn(brought, [join(root, "cli/main.ts"), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: cache, ...process.env }
  })
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
  // By its code, as in Exit.ts: a signal to ourselves would be taken by the listener above, and the end be that of success.
  child.on("exit", (code) => process.exit(code ?? 130))
}
