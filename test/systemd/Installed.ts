// What the installer writes, in a root of its own, and the command line as root on such a machine types it.
import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { compileCache, nothingRuns } from "../support/CompileCache.ts"

const run = promisify(execFile)

export const folder = join(import.meta.dirname, "../../deploy/systemd")

export const install = (root: string, from = folder) =>
  Effect.promise(() =>
    run(join(from, "install.sh"), ["--publisher", "clinic", "--sender", "telegram/north"], {
      env: { PATH: process.env.PATH, DESTDIR: root }
    })
  )

export const installed = Effect.tap(temporaryFolder("systemd"), (root) => install(root))

/** The file that the installer puts into /usr/local/bin, with this root's settings; it may run something else with them. */
export const wrapperOf = (root: string, instead = "$&") => {
  const wrapper = join(root, "usr/local/bin/carillon")
  const text = readFileSync(wrapper, "utf8").replaceAll("/etc/carillon", join(root, "etc/carillon"))
  writeFileSync(wrapper, text.replace(/^exec .*$/m, instead))
  return (args: ReadonlyArray<string>, given: Readonly<Record<string, string>> = {}) =>
    Effect.promise(() =>
      run(wrapper, args, { env: { PATH: process.env.PATH, ...nothingRuns, ...compileCache, ...given } })
    )
}
