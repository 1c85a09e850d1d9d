// Finds libfaketime, by which a process can be given another clock than its machine's, or fetches it.
import { existsSync, globSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Effect } from "effect"
import { newerReleases, packageSources, unpackPackage } from "../../deploy/local/DebianPackage.ts"
import { NotHere } from "./Disks.ts"

/** The one for programs with threads. */
const name = "libfaketimeMT.so.1"
const installed = `usr/{lib,lib64}/{*/,}faketime/${name}`

/** Its path. What is fetched is kept in `cacheDir`, and found there the next time; needs no root. */
export const locateFakeTime = Effect.fn("locateFakeTime")(function* (cacheDir: string) {
  const cached = join(resolve(cacheDir), name)
  const [found] = globSync(installed, { cwd: "/" })
  if (found) return join("/", found)
  if (existsSync(cached)) return cached
  return yield* Effect.tryPromise({
    try: (signal) => fetchTo(cached, signal),
    catch: (error) =>
      new NotHere({ what: "a clock of its own for a process (libfaketime)", why: (error as Error).message })
  })
})

const fetchTo = async (cached: string, signal: AbortSignal) => {
  const osRelease = await readFile("/etc/os-release", "utf8")
  const own = /^VERSION_CODENAME="?([\w-]+)/m.exec(osRelease)?.[1]
  const releases = [...(own ? [own] : []), ...newerReleases(osRelease)]
  const reasons: Array<string> = []
  await mkdir(join(cached, ".."), { recursive: true })
  for (const release of releases) {
    for (const source of await packageSources(osRelease)) {
      const folder = await mkdtemp(`${cached}.`)
      try {
        const unpacked = await unpackPackage(folder, source, release, "libfaketime", signal)
        const [library] = globSync(installed, { cwd: unpacked })
        if (!library) throw new Error("the package has another shape")
        await copyFile(join(unpacked, library), join(folder, name))
        await rename(join(folder, name), cached)
        return cached
      } catch (error) {
        reasons.push(`${release}: ${(error as Error).message.split("\n").at(-1)}`)
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 })
      }
    }
  }
  throw new Error(reasons.join("; ") || "it is not installed, and there is no apt here")
}
