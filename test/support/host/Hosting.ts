// The host of a test file: one process, started with the first service or command that can be hosted, gone with the file.
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { nodeOptions } from "../../../deploy/local/NodeOptions.ts"
import { compileCache, nothingRuns } from "../CompileCache.ts"
import type { Order, Told } from "./Orders.ts"

/** What is read by Node itself, by libraries, or when code is loaded: one process cannot have two of it. */
const ofAProcess = /^(OTEL_|NODE_|PG|LD_|TZ$|HOME$|CARILLON_HOME$|NO_COLOR$|FORCE_COLOR$)/

export const canBeHosted = (environment: Readonly<Record<string, string>>): boolean =>
  !Object.keys(environment).some((key) => ofAProcess.test(key))

export interface Run {
  readonly ended: Promise<number>
  readonly stop: () => void
  /** Ends the host, and with it all that it runs: for what does not end by itself. */
  readonly kill: () => void
}

interface Listener {
  readonly hear: (text: string, stream: "out" | "err") => void
  readonly end: (code: number) => void
}

interface Host {
  readonly child: ChildProcess
  readonly listeners: Map<number, Listener>
}

let host: Host | undefined
let lastId = 0

const startHost = (): Host => {
  const child = fork(join(import.meta.dirname, "Host.ts"), {
    execArgv: [...nodeOptions],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env.PATH, ...compileCache, ...nothingRuns }
  })
  const listeners: Host["listeners"] = new Map()
  child.on("message", ({ id, what }: Told) => {
    if ("code" in what) listeners.get(id)?.end(what.code)
    else if ("out" in what) listeners.get(id)?.hear(what.out, "out")
    else listeners.get(id)?.hear(what.err, "err")
  })
  child.on("exit", (code, signal) => {
    if (host?.child === child) host = undefined
    for (const { hear, end } of listeners.values()) {
      hear(`the host has ended (${signal ?? code})\n`, "err")
      end(-1)
    }
  })
  // Nobody waits for it: it ends with this process.
  child.unref()
  child.channel?.unref()
  return { child, listeners }
}

export const run = (what: Exclude<Order["what"], "stop">, hear: Listener["hear"]): Run => {
  host ??= startHost()
  const { child, listeners } = host
  const id = ++lastId
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  listeners.set(id, {
    hear,
    end: (code) => {
      listeners.delete(id)
      resolve(code)
    }
  })
  const send = (order: Order["what"]) => void (child.connected && child.send({ id, what: order } satisfies Order))
  send(what)
  return { ended, stop: () => send("stop"), kill: () => void child.kill("SIGKILL") }
}
