// What helm makes of the chart, as the objects that Kubernetes would be given.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { parseAllDocuments } from "yaml"
import { home } from "../local/Home.ts"
import { type KubernetesTools, locateKubernetesTools } from "../local/KubernetesTools.ts"

export const chart = join(import.meta.dirname, "carillon")

export type Labels = Record<string, string>

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels }
}

let located: Promise<KubernetesTools> | undefined
const tools = () => {
  located ??= Effect.runPromise(locateKubernetesTools({ cacheDir: join(home, "bin") }))
  return located
}

const run = promisify(execFile)

/** What it prints, given `input`; where it fails, an error whose `stderr` says why. */
export const runTool = async (
  name: keyof KubernetesTools,
  args: ReadonlyArray<string>,
  input = ""
): Promise<string> => {
  const running = run((await tools())[name], args, { maxBuffer: 64_000_000 })
  running.child.stdin?.end(input)
  return (await running).stdout
}

/** Read as Kubernetes reads it, to whom 0440 is octal. Each with the template that it comes from, as Helm tells in a comment. */
export const manifestsOf = (text: string) =>
  parseAllDocuments(text, { version: "1.1" }).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`not YAML: ${document.errors[0]}\n${document.toString()}`)
    const object = document.toJS() as Manifest | null
    const comments = `${document.commentBefore}\n${document.contents?.commentBefore}`
    const source = /Source: (\S+)/.exec(comments)?.[1] ?? ""
    return object === null ? [] : [{ source, object }]
  })
