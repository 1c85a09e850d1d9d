// Whether objects are what Kubernetes 1.35, and the CRDs in use, take: strictly, for a field that they do not know is a
// mistake. An API server would say so only in a cluster that has one. Two looks at each:
//  - as a literal of TypeScript, by the compiler: a type's literal may have no fields but its own;
//  - by the checks that kubernetes-models makes of the same OpenAPI: bounds, formats, whole numbers.
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { home } from "../../deploy/local/Home.ts"
import { called, type Manifest } from "./Objects.ts"

const run = promisify(execFile)
const root = join(import.meta.dirname, "../..")
const ours = join(import.meta.dirname, "custom-resources")

const packages: Readonly<Record<string, string>> = {
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator"
}

/** kubernetes-models has what Kubernetes gave up long ago, too. */
const isGone = ({ apiVersion }: Manifest) => !packages[groupOf(apiVersion)] && /beta|alpha/.test(apiVersion)

const groupOf = (apiVersion: string) => (apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "")

/** The module that has its type, and in a package its check too. */
const moduleOf = ({ apiVersion, kind }: Manifest) => {
  const group = groupOf(apiVersion)
  if (group === "jetstream.nats.io") return join(ours, "Nack.ts")
  if (group === "external-secrets.io") return join(ours, "ExternalSecrets.ts")
  return `${packages[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`
}

type Model = new (data: Manifest) => { readonly validate: () => void }

/** By the check of its package; a kind that there is not, is not known. */
const invalid = async (object: Manifest): Promise<ReadonlyArray<string>> => {
  const module = moduleOf(object)
  if (module.startsWith("/")) return []
  if (isGone(object)) return [`${object.apiVersion} is not for good`]
  const models = (await import(module).catch(() => ({}))) as Readonly<Record<string, Model>>
  const Model = models[object.kind]
  if (!Model) return [`${object.apiVersion} has no ${object.kind}`]
  try {
    new Model(object).validate()
    return []
  } catch (error) {
    return (error as Error).message.split(", ")
  }
}

/** What the compiler says of lines, with the lines that it says it of. */
const compiled = async (source: string): Promise<ReadonlyArray<readonly [line: number, what: string]>> => {
  await mkdir(home, { recursive: true })
  const folder = await mkdtemp(join(home, "schema-"))
  try {
    await writeFile(join(folder, "objects.ts"), source)
    const compilerOptions = { allowImportingTsExtensions: true, target: "esnext", module: "nodenext", types: [] }
    const options = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true }
    const config = { compilerOptions: { ...compilerOptions, ...options }, files: ["objects.ts"] }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config))
    await run(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], { maxBuffer: 64_000_000 })
    return []
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string }
    if (!stdout) throw error
    const found = [...stdout.matchAll(/objects\.ts\((\d+),\d+\): error (.*(?:\n .*)*)/g)]
    if (found.length === 0) throw new Error(stdout)
    return found.map(([, line, what]) => [Number(line), (what ?? "").replace(/\s*\n\s*/g, " ")] as const)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is wrong with each of them: nothing, if it is taken. */
export const problems = async (objects: ReadonlyArray<Manifest>): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const found = await Promise.all(objects.map(invalid))
  const types = [
    ...new Set(objects.map((object) => `import type { I${object.kind} } from ${JSON.stringify(moduleOf(object))}`))
  ]
  const lines = [...types]
  const begins = objects.map((object, index) => {
    const literal = JSON.stringify(object, null, 1).split("\n")
    lines.push(`export const object${index}: I${object.kind} = ${literal[0]}`, ...literal.slice(1))
    return lines.length - literal.length
  })
  const told = await compiled(lines.join("\n"))
  return found.map((own, index) => [
    ...told
      .filter(([line]) => line > (begins[index] ?? 0) && line <= (begins[index + 1] ?? lines.length))
      .map(([line, what]) => `${lines[line - 1]?.trim()}: ${what}`),
    ...own
  ])
}

/** Of all of them in a list, by their names; without what is found twice. */
export const listed = async (objects: ReadonlyArray<Manifest>): Promise<ReadonlyArray<string>> =>
  (await problems(objects)).flatMap((found, index) =>
    found.map((what) => `${called(objects[index] as Manifest)}: ${what}`)
  )
