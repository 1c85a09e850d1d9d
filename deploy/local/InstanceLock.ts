// One running instance per project folder: a second one says so instead of corrupting the first one's data.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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
export const acquireLock = (folder: string) => {
  const lock = join(folder, "lock")
  return Effect.acquireRelease(
    Effect.suspend((): Effect.Effect<void, AlreadyRunning | LocalServerError> => {
      try {
        mkdirSync(folder, { recursive: true })
        const other = take(lock)
        return other ? new AlreadyRunning({ pid: other.pid }) : Effect.void
      } catch (error) {
        const { code } = error as { readonly code?: string }
        return new LocalServerError({
          problem: `Cannot write to ${folder} (${code}): check who owns it, and the room on the disk.`
        })
      }
    }),
    () => Effect.sync(() => rmSync(lock, { force: true }))
  )
}

/** Ours now, or the running process whose it is. */
const take = (lock: string): Owner | undefined => {
  for (;;) {
    if (link(lock)) return
    const found = read(lock)
    if (found === "none") continue
    if (isAlive(found)) return found
    // One at a time removes what a killed process left: else a slow one would remove the lock of who was quicker.
    const removal = `${lock}.removal`
    const other = take(removal)
    if (other) return other
    const still = read(lock)
    if (still !== "none" && !isAlive(still)) rmSync(lock)
    rmSync(removal)
  }
}

/** A link appears whole or not at all: of several that start at once, one gets it. */
const link = (lock: string): boolean => {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) } satisfies Owner))
  try {
    linkSync(mine, lock)
    return true
  } catch (error) {
    if ((error as { readonly code?: string }).code === "EEXIST") return false
    throw error
  } finally {
    rmSync(mine)
  }
}

const nobody: Owner = { pid: 0, startedAt: "" }

/** Nobody's, if what it says cannot be read. */
const read = (lock: string): Owner | "none" => {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as Owner
  } catch (error) {
    return (error as { readonly code?: string }).code === "ENOENT" ? "none" : nobody
  }
}

const isAlive = ({ pid, startedAt }: Owner) => startedAt !== "" && startTime(pid) === startedAt

/** When a process was started; empty if it has ended. Without /proc, only whether there is one. */
const startTime = (pid: number): string => {
  if (process.platform !== "linux") return exists(pid) ? "alive" : ""
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
    // One that has ended stays as a zombie until its parent asks after it; in a container that may be never.
    return /[ZX]/.test(fields[0] ?? "") ? "" : (fields[19] ?? "")
  } catch {
    return ""
  }
}

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { readonly code?: string }).code === "EPERM"
  }
}
