// A package from a newer release of this Debian or Ubuntu, by the machine's own package source. Needs no root.
import { execFile } from "node:child_process"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** An entry of /etc/apt, with another release in place of its own. */
export interface PackageSource {
  readonly extension: "sources" | "list"
  readonly of: (release: string) => string
}

/** The releases to look in, the most settled first. */
export const newerReleases = (osRelease: string): ReadonlyArray<string> =>
  /^ID(_LIKE)?=.*ubuntu/m.test(osRelease)
    ? ["resolute", "devel"]
    : /^ID(_LIKE)?=.*debian/m.test(osRelease)
      ? ["forky", "sid"]
      : []

/** The distribution's own entries in a file of /etc/apt: for a release of its, signed by it, and in use. */
export const ownSources = (text: string, osRelease: string): ReadonlyArray<PackageSource> => {
  const codenames = [...osRelease.matchAll(/_CODENAME="?([\w-]+)/g)].map(([, name]) => name)
  const releases = new Set<string | undefined>([...codenames, "stable", "testing", "unstable", "sid", "devel"])
  // Whoever offers other software for Debian names its releases too, but signs with a key of their own.
  const signed = (by: string | undefined) => !by || /\/(debian|ubuntu)-archive-keyring\.\w+$/.test(by.trim())
  const found: Array<PackageSource> = []
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}:(.*)$`, "im").exec(stanza)?.[1]
    if (
      !field("Suites")
        ?.split(/\s+/)
        .some((suite) => releases.has(suite))
    )
      continue
    if (!/\bdeb\b(?!-)/.test(field("Types") ?? "") || /no|false|0/i.test(field("Enabled") ?? "")) continue
    if (!signed(field("Signed-By"))) continue
    found.push({
      extension: "sources",
      of: (release) => stanza.replace(/^Types:.*$/im, "Types: deb").replace(/^Suites:.*$/im, () => `Suites: ${release}`)
    })
  }
  for (const [line, options = "", , release] of text.matchAll(/^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+.+$/gm)) {
    if (!releases.has(release) || !signed(/signed-by=([^\s\]]+)/.exec(options)?.[1])) continue
    found.push({ extension: "list", of: (newer) => line.replace(` ${release} `, () => ` ${newer} `) })
  }
  return found
}

/** What there is to try on this machine; nothing where there is no apt. */
export const packageSources = async (osRelease: string): Promise<ReadonlyArray<PackageSource>> => {
  const parts = await readdir("/etc/apt/sources.list.d").catch(() => [])
  const files = [
    "/etc/apt/sources.list",
    ...parts.filter((name) => /\.(list|sources)$/.test(name)).map((name) => `/etc/apt/sources.list.d/${name}`)
  ]
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")))
  return texts.flatMap((text) => ownSources(text, osRelease))
}

/** Unpacks it in `folder`, which must be empty, with lists and cache of its own there; answers with where. */
export const unpackPackage = async (
  folder: string,
  source: PackageSource,
  release: string,
  name: string,
  signal: AbortSignal
): Promise<string> => {
  for (const path of ["lists/partial", "cache/archives/partial", "sources"])
    await mkdir(join(folder, path), { recursive: true })
  await writeFile(join(folder, "status"), "")
  await writeFile(join(folder, `sources/newer.${source.extension}`), `${source.of(release)}\n`)
  const options = [
    "-o=Dir::Etc::sourcelist=/dev/null",
    `-o=Dir::Etc::sourceparts=${join(folder, "sources")}`,
    `-o=Dir::State::lists=${join(folder, "lists")}`,
    `-o=Dir::State::status=${join(folder, "status")}`,
    `-o=Dir::Cache=${join(folder, "cache")}`,
    "-o=APT::Sandbox::User=root",
    "-o=Acquire::Languages=none",
    // A closed network is found out soon, and said.
    "-o=APT::Update::Error-Mode=any",
    "-o=Acquire::http::Timeout=5",
    "-o=Acquire::https::Timeout=5",
    "-o=Acquire::Retries=0",
    "-qq"
  ]
  await run("apt-get", [...options, "update"], { cwd: folder, signal })
  await run("apt-get", [...options, "download", name], { cwd: folder, signal })
  const deb = (await readdir(folder)).find((file) => file.endsWith(".deb"))
  if (!deb) throw new Error("apt-get downloaded nothing")
  await run("dpkg", ["-x", deb, join(folder, "unpacked")], { cwd: folder, signal })
  return join(folder, "unpacked")
}
