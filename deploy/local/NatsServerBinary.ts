// Finds a nats-server that can keep time (2.14 or newer), and fetches one where there is none.
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Config, Effect, Option, Schema } from "effect"

export class NatsServerMissing extends Schema.TaggedError<NatsServerMissing>()("NatsServerMissing", {
  tried: Schema.Array(Schema.String)
}) {
  override get message() {
    return [
      "There is no nats-server 2.14 or newer to be had here. Tried:",
      ...this.tried.map((line) => `  - ${line}`),
      "Install nats-server 2.14+ and put it on the PATH, name it in NATS_SERVER, or name a running one in NATS_URL."
    ].join("\n")
  }
}

const run = promisify(execFile)
const pinned = "2.15.1"

/** The path of a usable nats-server. What is fetched is kept in `cacheDir`, and found there the next time. */
export const locateNatsServer = Effect.fn("locateNatsServer")(function* (options: { readonly cacheDir: string }) {
  const named = yield* Config.option(Config.String("NATS_SERVER"))
  if (Option.isSome(named)) return yield* usable(named.value, `NATS_SERVER=${named.value}`, [])
  const cached = join(options.cacheDir, "nats-server")
  const tried: Array<string> = []
  for (const candidate of ["nats-server", cached]) {
    const found = yield* Effect.option(usable(candidate, candidate, tried))
    if (Option.isSome(found)) return found.value
  }
  // The distribution first: where it can be reached it takes three seconds, and closed networks often have a mirror.
  for (const [name, fetch] of [
    ["Debian's or Ubuntu's package", fetchPackage],
    [`the official release ${pinned}`, fetchRelease]
  ] as const) {
    yield* Effect.logInfo(`fetching nats-server: ${name}`)
    const error = yield* Effect.promise(() => intoCache(cached, fetch).then(() => undefined, describe))
    if (error === undefined) return yield* usable(cached, cached, tried)
    tried.push(`${name}: ${error}`)
  }
  return yield* new NatsServerMissing({ tried })
})

const usable = (path: string, name: string, tried: Array<string>) =>
  Effect.promise(() => run(path, ["--version"]).then(({ stdout }) => stdout, describe)).pipe(
    Effect.flatMap((answer) => {
      const [, version = "", major = 0, minor = 0] = /v((\d+)\.(\d+)\.\S+)/.exec(answer) ?? []
      if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 14)) return Effect.succeed(path)
      tried.push(`${name}: ${version ? `${version} is too old` : answer}`)
      return new NatsServerMissing({ tried })
    })
  )

/** Two that fetch at once each put a whole file in its place. */
const intoCache = async (cached: string, fetch: (folder: string) => Promise<string>) => {
  const folder = await mkdtemp(join(tmpdir(), "carillon-nats-"))
  try {
    const binary = await fetch(folder)
    await mkdir(join(cached, ".."), { recursive: true })
    const whole = `${cached}.${process.pid}`
    await copyFile(binary, whole)
    await chmod(whole, 0o755)
    await rename(whole, cached)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Asks the machine's own package source for a newer suite, with lists and cache of our own: needs no root. */
const fetchPackage = async (folder: string) => {
  const release = await readFile("/etc/os-release", "utf8")
  const suites = /^ID(_LIKE)?=.*ubuntu/m.test(release) ? ["resolute", "devel"] : ["forky", "sid"]
  const source = await ownSource(/^VERSION_CODENAME=(.*)$/m.exec(release)?.[1] ?? "stable")
  const [lists, cache, sources] = ["lists/partial", "cache/archives/partial", "sources"].map((name) =>
    join(folder, name)
  )
  for (const path of [lists, cache, sources]) await mkdir(path as string, { recursive: true })
  await writeFile(join(folder, "status"), "")
  const options = [
    "-o=Dir::Etc::sourcelist=/dev/null",
    `-o=Dir::Etc::sourceparts=${sources}`,
    `-o=Dir::State::lists=${join(folder, "lists")}`,
    `-o=Dir::State::status=${join(folder, "status")}`,
    `-o=Dir::Cache=${join(folder, "cache")}`,
    "-o=APT::Sandbox::User=root",
    "-o=Acquire::http::Timeout=10",
    "-o=Acquire::Retries=1",
    "-qq"
  ]
  let problem: unknown
  for (const suite of suites) {
    const entry = `Types: deb\nURIs: ${source.uri}\nSuites: ${suite}\nComponents: main universe\n${source.signedBy}\n`
    await writeFile(
      join(sources as string, "newer.sources"),
      suite === "forky" || suite === "sid" ? entry.replace(" universe", "") : entry
    )
    try {
      await run("apt-get", [...options, "update"], { cwd: folder })
      await run("apt-get", [...options, "download", "nats-server"], { cwd: folder })
      const deb = (await readdir(folder)).find((name) => name.endsWith(".deb"))
      await run("dpkg", ["-x", deb as string, join(folder, "unpacked")], { cwd: folder })
      return join(folder, "unpacked/usr/sbin/nats-server")
    } catch (error) {
      problem = error
    }
  }
  throw problem
}

/** The distribution's own source among those of this machine: the one that serves the installed release. */
const ownSource = async (codename: string) => {
  const parts = await readdir("/etc/apt/sources.list.d").catch(() => [])
  const files = ["/etc/apt/sources.list", ...parts.map((name) => `/etc/apt/sources.list.d/${name}`)]
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "")
    for (const stanza of text.split(/\n\s*\n/)) {
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1]
      const suites = /^Suites:\s*(.*)$/m.exec(stanza)?.[1]?.split(/\s+/) ?? []
      if (uri && suites.includes(codename)) return { uri, signedBy: /^Signed-By:.*$/m.exec(stanza)?.[0] ?? "" }
    }
    const [, options = "", uri] =
      new RegExp(`^deb\\s+(\\[[^\\]]*\\])?\\s*(\\S+)\\s+${codename}\\s`, "m").exec(text) ?? []
    if (uri)
      return { uri, signedBy: (/signed-by=([^\s\]]+)/.exec(options)?.[1] ?? "").replace(/^(.+)$/, "Signed-By: $1") }
  }
  throw new Error(`no package source of ${codename} in /etc/apt`)
}

const fetchRelease = async (folder: string) => {
  const arch = { x64: "amd64", arm64: "arm64", arm: "arm7", s390x: "s390x" }[process.arch as string]
  const name = `nats-server-v${pinned}-${process.platform}-${arch}.tar.gz`
  const base = `https://github.com/nats-io/nats-server/releases/download/v${pinned}`
  const get = async (file: string) => {
    const response = await fetch(`${base}/${file}`, { signal: AbortSignal.timeout(60_000) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  }
  const [sums, archive] = await Promise.all([get("SHA256SUMS"), get(name)])
  const sum = createHash("sha256").update(archive).digest("hex")
  if (
    !sums
      .toString()
      .split("\n")
      .some((line) => line.startsWith(sum) && line.endsWith(name))
  ) {
    throw new Error("its checksum is wrong")
  }
  await writeFile(join(folder, name), archive)
  await run("tar", ["-xzf", name, "--strip-components=1"], { cwd: folder })
  return join(folder, "nats-server")
}

const describe = (error: unknown): string => {
  const { code, stderr, cause } = error as { code?: unknown; stderr?: string; cause?: { code?: string } }
  if (code === "ENOENT") return "not found"
  return stderr?.trim().split("\n").at(-1) || cause?.code || (error instanceof Error ? error.message : String(error))
}
