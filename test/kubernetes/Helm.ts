// The chart as a real helm renders it, for each file of values that is shipped with it.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe } from "@effect/vitest"
import { parse } from "yaml"
import { chart, manifestsOf, runTool } from "../../deploy/helm/Render.ts"
import { noKubernetesTools } from "../../deploy/local/KubernetesTools.ts"
import type { Given, Release } from "./Objects.ts"

/** Tests of what needs them; left out, with the reason in their name, where they cannot be had. */
export const describeWithTools = (what: string, tests: () => void) =>
  noKubernetesTools ? describe.skip(`${what}: ${noKubernetesTools}`, tests) : describe(what, tests)

export const helm = (...args: ReadonlyArray<string>) => runTool("helm", args)

/** minimal, production and so on: whatever lies there. */
export const valuesFiles: ReadonlyArray<string> = readdirSync(join(chart, "ci"))
  .filter((file) => file.endsWith("-values.yaml"))
  .map((file) => file.replace("-values.yaml", ""))

export const valuesFile = (name: string) => join(chart, "ci", `${name}-values.yaml`)

export interface Naming {
  readonly release: string
  readonly namespace: string
  readonly kubernetes: string
}

/** The oldest that the chart says it is for, and the newest that this helm knows. */
const oldest = "1.30.0"
const newest = "1.36.0"

export const plainly: Naming = { release: "carillon", namespace: "carillon", kubernetes: newest }

/** Another name than the chart's, and the longest ones that Helm and Kubernetes take. */
export const namings: ReadonlyArray<Naming> = [
  plainly,
  { release: "reminders", namespace: "clinic-a", kubernetes: oldest },
  {
    release: `r${"elease".repeat(9)}`.slice(0, 53),
    namespace: `n${"amespace".repeat(8)}`.slice(0, 63),
    kubernetes: newest
  }
]

export const template = (values: string, { kubernetes, namespace, release }: Naming): Promise<string> =>
  helm(
    "template",
    release,
    chart,
    "--namespace",
    namespace,
    "--kube-version",
    kubernetes,
    "--values",
    valuesFile(values)
  )

/** Of one file of values, under all names. */
export const releasesOf = (values: string): Promise<ReadonlyArray<Release>> =>
  Promise.all(
    namings.map(async (naming) => ({
      title: `${values} as ${naming.release.slice(0, 12)} in Kubernetes ${naming.kubernetes}`,
      given: parse(readFileSync(valuesFile(values), "utf8")) as Given,
      name: naming.release,
      namespace: naming.namespace,
      objects: manifestsOf(await template(values, naming))
        .filter(({ source }) => !source.endsWith("/extraobjects.yaml"))
        .map(({ object }) => object)
    }))
  )

let rendered: Promise<ReadonlyArray<Release>> | undefined
/** Of all files of values. */
export const releases = (): Promise<ReadonlyArray<Release>> => {
  rendered ??= Promise.all(valuesFiles.map(releasesOf)).then((all) => all.flat())
  return rendered
}

/** Why helm does not render `minimal` with these values over it; nothing if it does. */
export const refusal = (values: string): Promise<string> =>
  runTool("helm", ["template", "carillon", chart, "--values", valuesFile("minimal"), "--values", "-"], values).then(
    () => "",
    (error: { readonly stderr: string }) => error.stderr
  )
