// base/ as the chart renders it: for people who apply plain manifests, and nothing that only Helm understands.
import { stringify } from "yaml"
import { chart, type Labels, type Manifest, manifestsOf, runTool } from "../helm/Render.ts"

const isOfHelm = (key: string) => key.startsWith("helm.sh/")
const without = (all: Labels = {}) => Object.fromEntries(Object.entries(all).filter(([key]) => !isOfHelm(key)))

const plain = ({ apiVersion, kind, metadata, ...object }: Manifest) => {
  const { annotations, labels, name } = metadata
  const own = { ...without(labels), "app.kubernetes.io/managed-by": "kustomize" }
  const noted = without(annotations)
  const some = Object.keys(noted).length > 0 ? { annotations: noted } : {}
  // Without a namespace: that is the kustomization's.
  return { apiVersion, kind, metadata: { name, labels: own, ...some }, ...object }
}

const component = ({ metadata }: Manifest) => metadata.labels?.["app.kubernetes.io/component"] ?? metadata.name

/** Files by their names: one for each service and each job. */
export const base = async (): Promise<ReadonlyMap<string, string>> => {
  const values = `${import.meta.dirname}/values.yaml`
  const text = await runTool("helm", ["template", "carillon", chart, "--namespace", "carillon", "--values", values])
  const objects = manifestsOf(text).map(({ object }) => object)
  const files = new Map<string, string>()
  for (const object of objects) {
    const file = `${component(object)}.yaml`
    const before = files.get(file)
    // Words that are no words to a reader of YAML 1.1, such as kubectl is one, stand in quotes.
    const manifest = stringify(plain(object), { compat: "yaml-1.1", lineWidth: 0 })
    files.set(file, before === undefined ? manifest : `${before}---\n${manifest}`)
  }
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace: "carillon",
    resources: [...files.keys()].sort()
  }
  return new Map([...files, ["kustomization.yaml", stringify(kustomization)]])
}
