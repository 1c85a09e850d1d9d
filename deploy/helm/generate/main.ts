// Writes what of the chart is generated; with --check only says what has drifted.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { drifted, write } from "../../../docs/generate/ReferenceFolder.ts"
import { files as dashboards } from "../../grafana/generate/main.ts"
import { withTable } from "./Readme.ts"
import { alertFiles, records } from "./Rules.ts"
import { schemaOf } from "./Schema.ts"
import { topology } from "./Topology.ts"
import { readValues } from "./Values.ts"

export const chart = join(import.meta.dirname, "../carillon")

const read = (name: string) => readFileSync(join(chart, name), "utf8")
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

const values = readValues(read("values.yaml"))

const folders = new Map<string, ReadonlyMap<string, string>>([
  ["files/alerts", alertFiles],
  ["files/dashboards", new Map(dashboards.map(({ path, text }) => [path.slice(path.lastIndexOf("/") + 1), text]))],
  [
    "files/generated",
    new Map([
      ["topology.json", json(topology)],
      ["records.yaml", records]
    ])
  ]
])
const single = new Map([
  ["values.schema.json", () => json(schemaOf(values))],
  ["README.md", () => withTable(read("README.md"), values)]
])

if (import.meta.main) {
  const checking = process.argv.includes("--check")
  const stale: Array<string> = []
  for (const [name, files] of folders) {
    const folder = join(chart, name)
    stale.push(...drifted(files, folder).map((file) => `${name}/${file}`))
    if (!checking) write(files, folder)
  }
  for (const [name, text] of single) {
    let found = ""
    try {
      found = read(name)
    } catch {
      // It is made.
    }
    if (found === text()) continue
    stale.push(name)
    if (!checking) writeFileSync(join(chart, name), text())
  }
  for (const name of stale)
    if (checking) console.error(`deploy/helm/carillon/${name} is not what the code says: run npm run docs`)
    else console.log(`deploy/helm/carillon/${name}`)
  if (checking && stale.length > 0) process.exitCode = 1
}
