// One running instance per project folder: a second one says so instead of corrupting the first one's data.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { LocalServerError } from "./LocalServer.ts"

export class AlreadyRunning extends Schema.TaggedError<AlreadyRunning>()("AlreadyRunning", { pid: Schema.Int }) {
  override get message() {
    return `Carillon is already running here (process ${this.pid}). Use that one (./carillon list), stop it with Ctrl-C or kill ${this.pid}, or start another in a folder of its own.`
  }
}

interface Owner {
  readonly pid: number
  /** Tells a process from a later one with the same id. */
  readonly startedAt: string
}

/** Held until the scope closes. What a killed instance left is taken over. */
export const acquireLock = (folder: string) =>
  Effect.acquireRelease(
    Effect.suspend((): Effect.Effect<string, AlreadyRunning | LocalServerError> => {
      try {
        mkdirSync(folder, { recursive: true })
        return take(join(folder, "lock"))
      } catch (error) {
        const { code } = error as { readonly code?: string }
        return new LocalServerError({
          problem: `Cannot write to ${folder} (${code}): check who owns it, and the room on the disk.`
        })
      }
    }),
    (lock) => Effect.sync(() => rmSync(lock, { force: true }))
  )

const take = (lock: string): Effect.Effect<string, AlreadyRunning> => {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) } satisfies Owner))
  try {
    for (;;) {
      try {
        // A link appears whole or not at all: of two that start at once, one gets it.
        linkSync(mine, lock)
        return Effect.succeed(lock)
      } catch (error) {
        if ((error as { readonly code?: string }).code !== "EEXIST") throw error
        const owner = read(lock)
        if (owner && isAlive(owner)) return new AlreadyRunning({ pid: owner.pid })
        removeStale(lock)
      }
    }
  } finally {
    unlinkSync(mine)
  }
}

/** Moved aside first: if another took the lock since we looked, it gets it back. */
const removeStale = (lock: string) => {
  const aside = `${lock}.stale.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch {
    return
  }
  const owner = read(aside)
  if (owner && isAlive(owner)) linkSync(aside, lock)
  unlinkSync(aside)
}

const isAlive = ({ pid, startedAt }: Owner) => startedAt !== "" && startTime(pid) === startedAt

const read = (lock: string): Owner | undefined => {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as Owner
  } catch {
    return undefined
  }
}

/** When a process was started; empty if there is none. Without /proc, only whether there is one. */
const startTime = (pid: number): string => {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")[19] ?? ""
    )
  } catch {
    try {
      if (process.platform === "linux") return ""
      process.kill(pid, 0)
      return "alive"
    } catch {
      return ""
    }
  }
}
