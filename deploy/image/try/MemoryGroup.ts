// A control group with a memory limit, of either version.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"

const parent = "/sys/fs/cgroup"

const kinds = [
  { folder: join(parent, "memory"), limit: "memory.limit_in_bytes", there: () => existsSync(join(parent, "memory")) },
  {
    folder: parent,
    limit: "memory.max",
    there: () =>
      existsSync(join(parent, "cgroup.subtree_control")) &&
      readFileSync(join(parent, "cgroup.subtree_control"), "utf8").includes("memory")
  }
]

/** Its folder, removed when the scope closes; nothing where this machine lets nobody make one. */
export const memoryGroup = (mebibytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const kind = kinds.find(({ there }) => there())
      if (!kind) return undefined
      const folder = join(kind.folder, `carillon-${process.pid}-${mebibytes}`)
      try {
        mkdirSync(folder)
        writeFileSync(join(folder, kind.limit), String(mebibytes * 1_048_576))
        return folder
      } catch {
        return undefined
      }
    }),
    (folder) => Effect.sync(() => folder !== undefined && rmdirSync(folder))
  )
