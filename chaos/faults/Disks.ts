// Disks that get full, or cannot be written to, for one server: a small disk of its own, and what can be done to it.
// Where this machine does not allow one of these, the answer says why, and nothing is pretended.
import { execFile, spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Schema } from "effect"
import type { User } from "../../deploy/local/PostgresServer.ts"

const run = promisify(execFile)

/** Something of this kind cannot be done on this machine. */
export class NotHere extends Schema.TaggedError<NotHere>()("NotHere", { what: Schema.String, why: Schema.String }) {
  override get message() {
    return `${this.what} cannot be had here: ${this.why}`
  }
}

export interface SmallDisk {
  /** Empty at first. Gone, with all that is in it, when the scope closes or this process ends in any other way. */
  readonly folder: string
  /** To the last byte. */
  readonly fill: Effect.Effect<void>
  /** There is room again. */
  readonly clear: Effect.Effect<void>
}

/**
 * In memory, and mounted where only a process of ours sees it: its mount namespace is entered by way of /proc. That takes
 * the right to mount, or to make user namespaces. `owner`: who else may enter; Postgres runs as a user of its own.
 */
export const smallDisk = Effect.fn("smallDisk")(function* (folder: string, megabytes: number, owner: User = {}) {
  mkdirSync(folder, { recursive: true })
  const own = process.getuid?.() === 0 ? [] : ["--map-root-user"]
  const options = `size=${megabytes}m,mode=0755${owner.uid === undefined ? "" : `,uid=${owner.uid},gid=${owner.gid}`}`
  const become =
    owner.uid !== undefined ? `exec setpriv --reuid=${owner.uid} --regid=${owner.gid} --clear-groups` : "exec"
  // It holds the mount for as long as it is spoken to.
  const hold = `mount -t tmpfs -o "$2" tmpfs "$1" && ${become} sh -c 'echo ready && exec cat'`
  const pid = yield* Effect.acquireRelease(
    Effect.callback<{ readonly pid: number; readonly end: () => void }, NotHere>((resume) => {
      const holder = spawn("unshare", ["--mount", ...own, "sh", "-c", hold, "sh", folder, options])
      let said = ""
      const failed = (why: string) => resume(Effect.fail(new NotHere({ what: "a small disk", why })))
      holder.stderr.on("data", (chunk) => {
        said += String(chunk)
      })
      holder.once("error", ({ message }) => failed(message))
      holder.once("exit", () => failed(said.trim().split("\n").at(-1) ?? "unshare ended"))
      holder.stdout.once("data", () =>
        resume(Effect.succeed({ pid: holder.pid as number, end: () => void holder.stdin.end() }))
      )
    }),
    ({ end }) => Effect.sync(end)
  ).pipe(Effect.map((holder) => holder.pid))
  const inside = `/proc/${pid}/root${folder}`
  const filler = join(inside, "filler")
  return {
    folder: inside,
    fill: Effect.sync(() => fillUp(filler)),
    clear: Effect.sync(() => rmSync(filler, { force: true }))
  } satisfies SmallDisk as SmallDisk
})

const fillUp = (path: string) => {
  const file = openSync(path, "a")
  const block = Buffer.alloc(65_536)
  for (let size = block.length; size >= 1; ) {
    try {
      writeSync(file, block, 0, size)
    } catch {
      size = Math.floor(size / 2)
    }
  }
  closeSync(file)
}

export interface Writing {
  /** Every write of the server to a file fails from now on; what is there can be read. */
  readonly forbid: Effect.Effect<void, NotHere>
  readonly allow: Effect.Effect<void, NotHere>
}

/**
 * As on a disk that has turned read-only: by a limit on the size of files, which every process may set for those of its
 * user, without any right. The error is EFBIG, where a disk would say EROFS. `pid`: of the server; its children count.
 */
export const writingOf = (pid: () => number | undefined, owner: User = {}): Writing => {
  const limit = Effect.fnUntraced(function* (to: "0" | "unlimited") {
    for (const one of family(pid())) {
      yield* Effect.tryPromise({
        try: () => run("prlimit", ["--pid", String(one), `--fsize=${to}:`], owner),
        catch: (error) => new NotHere({ what: "a disk that turns read-only", why: (error as Error).message })
      }).pipe(
        Effect.catchIf(
          () => !isRunning(one),
          () => Effect.void
        )
      )
    }
  })
  return { forbid: limit("0"), allow: limit("unlimited") }
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A process first, that its later children inherit from, and then those that it has. */
const family = (pid: number | undefined): ReadonlyArray<number> => {
  if (pid === undefined) return []
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number)
  return [pid, ...children]
}

const parentOf = (pid: string) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // Its second field is a name in brackets, which may hold anything.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
  } catch {
    return undefined
  }
}
