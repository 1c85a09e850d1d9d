// Every setting that some code of the project reads, by its name.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./Markdown.ts"

const sources = globSync("{services,shared,cli,deploy,docs,examples}/**/*.{ts,mjs,py}", { cwd: root })

const names = new Set(
  sources.flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8")
    return [...text.matchAll(/["'`.]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)["'`]?/g)].map(([, name]) => name)
  })
)

/** What others define: OpenTelemetry, Node, libpq. */
const defined = /^(OTEL_|NODE_|PG[A-Z]+$)/

/** Any setting may be a file. */
export const isSetting = (name: string) =>
  defined.test(name) || names.has(name) || names.has(name.replace(/_FILE$/, ""))
