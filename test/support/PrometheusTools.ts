// A real prometheus and promtool: from the PATH, the project's cache, or the distribution's package.
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { newerReleases, packageSources, unpackPackage } from "../../deploy/local/DebianPackage.ts"
import { home } from "../../deploy/local/LocalServers.ts"

export interface PrometheusTools {
  readonly prometheus: string
  readonly promtool: string
}

const run = promisify(execFile)
const works = (promtool: string) =>
  run(promtool, ["--version"]).then(
    () => true,
    () => false
  )

/** Nothing where it cannot be had; then the test says so loudly, and CI fails. */
export const prometheusTools = async (): Promise<PrometheusTools | undefined> => {
  if (await works("promtool")) return { prometheus: "prometheus", promtool: "promtool" }
  const folder = join(home, "bin/prometheus")
  const tools = { prometheus: join(folder, "prometheus"), promtool: join(folder, "promtool") }
  if (await works(tools.promtool)) return tools
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "")
  for (const release of newerReleases(osRelease)) {
    for (const source of await packageSources(osRelease)) {
      const unpack = async (name: string, into: string) => {
        const temporary = await mkdtemp(join(tmpdir(), "carillon-prometheus-"))
        try {
          const unpacked = await unpackPackage(temporary, source, release, name, AbortSignal.timeout(120_000))
          await cp(join(unpacked, "usr/bin", name), join(into, name))
        } finally {
          await rm(temporary, { recursive: true, force: true })
        }
      }
      const whole = `${folder}.${process.pid}`
      try {
        await mkdir(whole, { recursive: true })
        await unpack("prometheus", whole)
        await unpack("promtool", whole)
        // Another test file may have been quicker.
        await rename(whole, folder).catch(() => {})
        if (await works(tools.promtool)) return tools
      } catch {
        // The next source, or none.
      } finally {
        await rm(whole, { recursive: true, force: true })
      }
    }
  }
  return undefined
}
