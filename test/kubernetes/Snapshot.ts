// A release as a person reads it: without what is said elsewhere, and what is the same in many places said once.
import { createHash } from "node:crypto"
import { Document, isCollection, isPair, isScalar, type Node, type Pair, visit } from "yaml"
import { called, type Labels, type Manifest } from "./Objects.ts"

const width = 118

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16)

/** Dashboards and alerts are files of their own, reviewed there: of a long text its digest says whether it is the same. */
const shortened = (value: unknown): unknown => {
  if (typeof value === "string")
    return value.length > 2_000 ? `${value.length} characters, sha256 ${digest(value)}` : value
  if (Array.isArray(value)) return value.map(shortened)
  if (typeof value !== "object" || value === null) return value
  if ("alert" in value || "record" in value)
    return `${"alert" in value ? value.alert : value.record}, sha256 ${digest(JSON.stringify(value))}`
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shortened(part)]))
}

/** What has only short parts stands on one line. */
const flat = (node: Node | Pair | null | undefined): string | undefined => {
  if (isScalar(node)) return JSON.stringify(node.value)
  if (isPair(node)) return `${flat(node.key as Node)}: ${flat(node.value as Node) ?? "x".repeat(width)}`
  if (!isCollection(node)) return ""
  return node.items.map((item) => flat(item as Node | Pair)).join(", ")
}

const yaml = (value: unknown) => {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Collection: (_, node, path) => {
      const depth = path.filter(isCollection).length
      if (depth > 1 && 2 * depth + (flat(node)?.length ?? 0) < width - 30) node.flow = true
    }
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

/** The labels that all have; but for what the values bring as it is. */
const common = (objects: ReadonlyArray<Manifest>): Labels => {
  const all = objects.map(({ metadata }) => metadata.labels ?? {}).filter((labels) => labels["helm.sh/chart"])
  return Object.fromEntries(
    Object.entries(all[0] ?? {}).filter(([key, value]) => all.every((labels) => labels[key] === value))
  )
}

/** Objects that are the same in `known` are only named. */
export const reviewable = (objects: ReadonlyArray<Manifest>, known: ReadonlyArray<Manifest> = []): string => {
  const same = new Set(known.map((object) => JSON.stringify(object)))
  const isNew = (object: Manifest) => !same.has(JSON.stringify(object))
  const labels = common(objects)
  const others = ({ apiVersion, kind, metadata: { labels: all = {}, ...metadata }, ...object }: Manifest) => {
    const own = Object.fromEntries(Object.entries(all).filter(([key]) => !(key in labels)))
    return { apiVersion, kind, metadata: { ...metadata, labels: own }, ...object }
  }
  const named = objects.filter((object) => !isNew(object)).map((object) => `# ${called(object)}\n`)
  return [
    `# Every object has the labels\n${yaml(labels).trimEnd().replace(/^/gm, "#   ")}\n`,
    ...(named.length > 0 ? [`# As in minimal.yaml are\n${named.join("")}`] : []),
    ...objects.filter(isNew).map((object) => yaml(shortened(others(object))))
  ].join("---\n")
}
