// What nats-server and Postgres have in common as processes of ours: started in a group of their own, so that a
// terminal's Ctrl-C does not reach them before our services are done; found again and ended after a crash.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
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
  readonly stopSignal: NodeJS.Signals
  readonly uid?: number
  readonly gid?: number
}

/** Runs until the scope closes; ready when it answers on its port. */
export const runServer = Effect.fnUntraced(function* (program: Program) {
  const { name, port } = program
  const ended = yield* Deferred.make<never, LocalServerError>()
  let stopping = false
  let output = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(program.command, program.args, {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        ...(program.uid === undefined ? {} : { uid: program.uid }),
        ...(program.gid === undefined ? {} : { gid: program.gid })
      })
      const keep = (chunk: Buffer) => {
        output = (output + chunk).slice(-2_000)
      }
      child.stdout.on("data", keep)
      child.stderr.on("data", keep)
      child.once("error", () => {})
      child.once("exit", (code, signal) => {
        if (stopping) return
        const problem = `${name} ended by itself (${signal ?? `exit code ${code}`}): ${output.trim().split("\n").slice(-3).join(" | ")}`
        Deferred.doneUnsafe(ended, new LocalServerError({ problem }))
      })
      return child
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

const stop = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resume(Effect.void)
    const hard = setTimeout(() => child.kill("SIGKILL"), 15_000)
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

export const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { readonly port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Ends a server that an earlier, killed run left behind: the process with this id, if it is that program on these files. */
export const endOrphan = Effect.fnUntraced(function* (name: string, pid: number | undefined, mark: string) {
  if (pid === undefined || !commandLine(pid).includes(mark)) return
  yield* Effect.logInfo(`ending ${name} ${pid}, left behind by an earlier run`)
  process.kill(pid, "SIGINT")
  yield* Effect.sync(() => commandLine(pid).includes(mark)).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (alive) => !alive }),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => new LocalServerError({ problem: `${name} ${pid} of an earlier run does not end: end it by hand.` })
    })
  )
})

const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return ""
  }
}
