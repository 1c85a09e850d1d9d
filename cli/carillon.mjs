#!/usr/bin/env node
// Starts the command line with the Node that the project brings, whatever Node this is.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const brought = join(root, "node_modules/node/bin/node")
const node = Number(process.versions.node.split(".")[0]) >= 26 || !existsSync(brought) ? process.execPath : brought
// Compiled once, a command starts in half the time.
const cache = join(process.env.CARILLON_HOME || join(root, ".carillon"), "compile-cache")
const child = spawn(node, [join(root, "cli/main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { NODE_COMPILE_CACHE: cache, ...process.env }
})
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.on("exit", (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)))
