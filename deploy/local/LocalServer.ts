// What nats-server and Postgres have in common as processes of ours: started in a group of their own, so that a
// terminal's Ctrl-C does not reach them before our services are done; found again and ended after a crash.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { closeSync, openSync, readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { Deferred, Effect, Schedule, Schema } from "effect"

export class LocalServerError extends Schema.TaggedError<LocalServerError>()("LocalServerError", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

export interface ServerProcess {
  readonly pid: number
  /** Fails when the process ends without having been asked to. */
  readonly died: Effect.Effect<never, LocalServerError>
}

export interface Program {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly port: number
  /** What it says goes here: a pipe would break, and end it, when this process is killed. */
  readonly log: string
  readonly stopSignal: NodeJS.Signals
  readonly uid?: number
  readonly gid?: number
}

/** Runs until the scope closes; ready when it answers on its port. */
export const runServer = Effect.fnUntraced(function* (program: Program) {
  const { name, port } = program
  const ended = yield* Deferred.make<never, LocalServerError>()
  let stopping = false
  const fail = (what: string) => Deferred.doneUnsafe(ended, new LocalServerError({ problem: `${name} ${what}` }))
  const child = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const log = openSync(program.log, "a", 0o600)
        const child = spawn(program.command, program.args, {
          detached: true,
          cwd: "/",
          env: bareEnvironment(),
          stdio: ["ignore", log, log],
          ...(program.uid === undefined ? {} : { uid: program.uid }),
          ...(program.gid === undefined ? {} : { gid: program.gid })
        })
        closeSync(log)
        child.once("error", (error) => fail(`cannot be started: ${error.message}`))
        child.once("exit", (code, signal) => {
          if (stopping) return
          fail(
            `ended by itself (${signal ?? `exit code ${code}`}). The end of ${program.log}: ${lastWords(program.log)}`
          )
        })
        return child
      },
      catch: (error) => new LocalServerError({ problem: `${name} cannot be started: ${(error as Error).message}` })
    }),
    (child) =>
      Effect.suspend(() => {
        stopping = true
        return stop(child, program.stopSignal)
      })
  )
  const answers = reachable(port).pipe(
    Effect.flatMap((open) => (open ? Effect.void : Effect.fail("not yet"))),
    Effect.retry(Schedule.spaced("30 millis")),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () => new LocalServerError({ problem: `${name} does not answer on port ${port}` })
    }),
    Effect.catchIf(
      (error): error is string => typeof error === "string",
      () => Effect.never
    )
  )
  yield* Effect.raceFirst(answers, Deferred.await(ended))
  return { pid: child.pid ?? 0, died: Deferred.await(ended) } satisfies ServerProcess
})

/** A server is told nothing that it does not need: our environment holds tokens and passwords. */
// biome-ignore lint/style/noProcessEnv: handed on, not read.
export const bareEnvironment = () => ({ PATH: process.env.PATH, LC_ALL: "C" })

const lastWords = (log: string): string => {
  try {
    return readFileSync(log, "utf8").trim().split("\n").slice(-3).join(" | ")
  } catch {
    return ""
  }
}

const stop = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resume(Effect.void)
    const hard = setTimeout(() => child.kill("SIGKILL"), 10_000)
    child.once("exit", () => {
      clearTimeout(hard)
      resume(Effect.void)
    })
    child.kill(signal)
  })

/** True if something listens there. */
export const reachable = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resume(Effect.succeed(true)))
    socket.once("error", () => resume(Effect.succeed(false)))
    socket.once("close", () => socket.destroy())
    return Effect.sync(() => socket.destroy())
  })

/** The port itself, or a free one for 0. Refused when something else listens there: names the setting to change. */
export const choosePort = Effect.fnUntraced(function* (name: string, port: number, setting: string) {
  if (port === 0) return yield* freePort
  if (yield* reachable(port)) {
    return yield* new LocalServerError({
      problem: `Port ${port} is in use, and ${name} needs it: stop what listens there, or set ${setting} to another port.`
    })
  }
  return port
})

/** Below the range that connections going out take theirs from: still free when a server that was stopped starts again. */
const all = { first: 15_500, count: 17_200 } as const
let range: { readonly first: number; readonly count: number } = all
let taken = randomInt(range.count)

/** Of so many processes side by side each takes ports of its own: one that is free for a moment is not another's. */
export const takePortsOfPart = (part: number, parts: number): void => {
  const count = Math.floor(all.count / parts)
  range = { first: all.first + part * count, count }
}

/**
 * One after the other from somewhere: what was given is not given again before it is listened on, here or, nearly always,
 * by another process that asks at the same time.
 */
export const freePort: Effect.Effect<number> = Effect.callback((resume) => {
  const attempt = () => {
    const port = range.first + (++taken % range.count)
    const server = createServer()
    server.once("error", attempt)
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(port))))
  }
  attempt()
})

/** Ends a server that an earlier, killed run left behind: the process with this id, if it was started with these words. */
export const endOrphan = Effect.fnUntraced(function* (
  name: string,
  pid: number | undefined,
  words: readonly [option: string, file: string]
) {
  if (pid === undefined || !isRunning(pid, words)) return
  yield* Effect.logInfo(`ending ${name} ${pid}, left behind by an earlier run`)
  yield* Effect.try({
    try: () => process.kill(pid, "SIGINT"),
    catch: (error) => error as { readonly code?: string }
  }).pipe(
    // It may have ended just now.
    Effect.catchIf(
      ({ code }) => code === "ESRCH",
      () => Effect.void
    ),
    Effect.mapError(() => byHand(name, pid))
  )
  yield* Effect.sync(() => isRunning(pid, words)).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (running) => !running }),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => byHand(name, pid) })
  )
})

const byHand = (name: string, pid: number) =>
  new LocalServerError({ problem: `${name} ${pid}, left behind by an earlier run, cannot be ended: end it by hand.` })

/** Ids are used again: only the words it was started with tell that it is the one. */
const isRunning = (pid: number, [option, file]: readonly [string, string]) =>
  commandLine(pid).some((word, index, all) => word === option && all[index + 1] === file)

const commandLine = (pid: number): ReadonlyArray<string> => {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      : execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" })
          .trim()
          .split(" ")
  } catch {
    return []
  }
}
