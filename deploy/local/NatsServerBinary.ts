// Finds a nats-server that can keep time (2.14 or newer), and fetches one where there is none.
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { Effect, Option, Result, Schema } from "effect"
import { EnvHttpProxyAgent, fetch } from "undici"
import { environment, setting } from "#shared/service/Settings.ts"
import { newerReleases, packageSources, unpackPackage } from "./DebianPackage.ts"

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

interface Origin {
  readonly name: string
  /** Puts it somewhere in the folder; answers with its path. */
  readonly fetch: (folder: string, signal: AbortSignal) => Promise<string>
}

const run = promisify(execFile)
const pinned = "2.15.1"

const binary = setting("NATS_SERVER", Schema.String, {
  takes: "a path",
  says: "The nats-server that `npm start` starts: 2.14 or newer",
  otherwise: "the one on the `PATH`, else one is fetched"
})
environment("HTTPS_PROXY", {
  says: "The proxy by which nats-server is fetched; `HTTP_PROXY` and `NO_PROXY` count too",
  takes: "a URL"
})

/** The path of a usable nats-server. What is fetched is kept in `cacheDir`, and found there the next time. */
export const locateNatsServer = Effect.fn("locateNatsServer")(function* (options: { readonly cacheDir: string }) {
  const tried: Array<string> = []
  const named = yield* binary.given
  const cached = join(resolve(options.cacheDir), "nats-server")
  // Who names one wants that one, and no other in its stead.
  const candidates = Option.isSome(named) ? [named.value] : ["nats-server", cached]
  for (const path of candidates) {
    const version = yield* Effect.result(usable(path))
    if (Result.isSuccess(version)) return path
    tried.push(`${Option.isSome(named) ? "NATS_SERVER=" : ""}${path}: ${version.failure}`)
    if (/too old/.test(version.failure)) yield* Effect.logInfo(`${path} is not used: ${version.failure}`)
  }
  if (Option.isSome(named)) return yield* new NatsServerMissing({ tried })
  // The distribution first: where it can be reached it takes three seconds, and closed networks often have a mirror.
  for (const origin of [...(yield* Effect.promise(packages)), officialRelease]) {
    yield* Effect.logInfo(`fetching nats-server: ${origin.name}`)
    const fetched = yield* Effect.result(intoCache(cached, origin))
    if (Result.isSuccess(fetched)) return cached
    tried.push(`${origin.name}: ${fetched.failure}`)
  }
  return yield* new NatsServerMissing({ tried })
})

/** Fails with the reason why it is of no use. */
const usable = (path: string) =>
  Effect.tryPromise({ try: () => run(path, ["--version"], { timeout: 10_000 }), catch: reason }).pipe(
    Effect.flatMap(({ stdout }) => {
      const [, version, major, minor] = /v((\d+)\.(\d+)\.\S+)/.exec(stdout) ?? []
      if (!version) return Effect.fail("it does not tell its version")
      return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 14)
        ? Effect.void
        : Effect.fail(`${version} is too old, 2.14 is needed`)
    })
  )

/** Fetched beside its place and moved there when it is whole and usable: several may do so at once. */
const intoCache = (cached: string, origin: Origin) =>
  Effect.acquireUseRelease(
    Effect.tryPromise({
      try: async () => {
        await mkdir(join(cached, ".."), { recursive: true })
        return await mkdtemp(`${cached}.`)
      },
      catch: reason
    }),
    (folder) =>
      Effect.gen(function* () {
        const binary = yield* Effect.tryPromise({ try: (signal) => origin.fetch(folder, signal), catch: reason })
        yield* usable(binary)
        yield* Effect.tryPromise({ try: () => rename(binary, cached), catch: reason })
      }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  )

const packages = async (): Promise<ReadonlyArray<Origin>> => {
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "")
  const sources = await packageSources(osRelease)
  return newerReleases(osRelease).flatMap((release) =>
    sources.map((source) => ({
      name: `the distribution's package of ${release}`,
      fetch: async (folder, signal) =>
        join(await unpackPackage(folder, source, release, "nats-server", signal), "usr/sbin/nats-server")
    }))
  )
}

const officialRelease: Origin = {
  name: `the official release ${pinned}`,
  fetch: async (folder, signal) => {
    const arch = { x64: "amd64", arm64: "arm64", arm: "arm7", s390x: "s390x" }[process.arch as string]
    if (!arch) throw new Error(`there is none for ${process.arch}`)
    const name = `nats-server-v${pinned}-${process.platform}-${arch}.tar.gz`
    const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5_000 } })
    const get = async (file: string) => {
      const url = `https://github.com/nats-io/nats-server/releases/download/v${pinned}/${file}`
      const response = await fetch(url, { dispatcher, signal: AbortSignal.any([signal, AbortSignal.timeout(300_000)]) })
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      return Buffer.from(await response.arrayBuffer())
    }
    try {
      const [sums, archive] = await Promise.all([get("SHA256SUMS"), get(name)])
      const sum = createHash("sha256").update(archive).digest("hex")
      const listed = sums
        .toString()
        .split("\n")
        .map((line) => line.trim().split(/\s+\*?/))
      if (!listed.some(([known, file]) => known === sum && file === name)) throw new Error("its checksum is wrong")
      await writeFile(join(folder, name), archive)
      await run("tar", ["-xzf", name, "--strip-components=1"], { cwd: folder, signal })
      return join(folder, "nats-server")
    } finally {
      await dispatcher.destroy()
    }
  }
}

const reason = (error: unknown): string => {
  const { code, stderr, cause } = error as { code?: unknown; stderr?: string; cause?: { code?: string } }
  if (code === "ENOENT") return "not found"
  const said = stderr?.trim().split("\n")
  const telling = said?.find((line) => line.startsWith("E:")) || said?.at(-1)
  return telling || cause?.code || (error instanceof Error ? error.message : String(error))
}
