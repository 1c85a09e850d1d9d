// A real prometheus, promtool and amtool: from the PATH, the project's cache, or the distribution's package.
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { newerReleases, packageSources, unpackPackage } from "../../../deploy/local/DebianPackage.ts"
import { home } from "../../../deploy/local/Home.ts"
import { missing } from "../Missing.ts"

export interface PrometheusTools {
  readonly prometheus: string
  readonly promtool: string
  readonly amtool: string
}

const run = promisify(execFile)
const works = (promtool: string) =>
  run(promtool, ["--version"]).then(
    () => true,
    () => false
  )

/** Nothing where they cannot be had. */
export const prometheusTools = async (): Promise<PrometheusTools | undefined> => {
  if ((await works("promtool")) && (await works("amtool"))) {
    return { prometheus: "prometheus", promtool: "promtool", amtool: "amtool" }
  }
  const folder = join(home, "bin/prometheus-tools")
  const tools = {
    prometheus: join(folder, "prometheus"),
    promtool: join(folder, "promtool"),
    amtool: join(folder, "amtool")
  }
  if (await works(tools.amtool)) return tools
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "")
  for (const release of newerReleases(osRelease)) {
    for (const source of await packageSources(osRelease)) {
      const unpack = async (name: string, into: string, program = name) => {
        const temporary = await mkdtemp(join(tmpdir(), "carillon-prometheus-"))
        try {
          const unpacked = await unpackPackage(temporary, source, release, name, AbortSignal.timeout(120_000))
          await cp(join(unpacked, "usr/bin", program), join(into, program))
        } finally {
          await rm(temporary, { recursive: true, force: true })
        }
      }
      const whole = `${folder}.${process.pid}`
      try {
        await mkdir(whole, { recursive: true })
        await unpack("prometheus", whole)
        await unpack("promtool", whole)
        await unpack("prometheus-alertmanager", whole, "amtool")
        // Another test file may have been quicker.
        await rename(whole, folder).catch(() => {})
        if (await works(tools.amtool)) return tools
      } catch {
        // The next source, or none.
      } finally {
        await rm(whole, { recursive: true, force: true })
      }
    }
  }
  return undefined
}

export const withTools = <A, E, R>(body: (tools: PrometheusTools) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.promise(prometheusTools), (tools) =>
    tools
      ? Effect.asVoid(body(tools))
      : Effect.sync(() => missing("promtool and amtool: Debian's packages promtool, prometheus-alertmanager"))
  )

/** What a check says when it is not content; nothing when it is. */
export const complaint = (tool: string, args: ReadonlyArray<string>, cwd: string) =>
  Effect.promise(() =>
    run(tool, [...args], { cwd }).then(
      () => "",
      (error: { readonly stdout: string; readonly stderr: string }) => error.stdout + error.stderr || "failed"
    )
  )
