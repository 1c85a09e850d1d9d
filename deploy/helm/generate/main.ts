// Writes what of the chart is generated; with --check only says what has drifted.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { writeOrCheck } from "../../../docs/generate/Folders.ts"
import { texts as dashboards } from "../../grafana/generate/main.ts"
import { chart } from "../Render.ts"
import { withTable } from "./Readme.ts"
import { alertFiles, records } from "./Rules.ts"
import { schemaOf } from "./Schema.ts"
import { topology } from "./Topology.ts"
import { readValues } from "./Values.ts"

const read = (name: string) => readFileSync(join(chart, name), "utf8")
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

const values = readValues(read("values.yaml"))

if (import.meta.main)
  writeOrCheck([
    { folder: join(chart, "files/alerts"), files: alertFiles },
    { folder: join(chart, "files/dashboards"), files: dashboards },
    {
      folder: join(chart, "files/generated"),
      files: new Map([
        ["topology.json", json(topology)],
        ["records.yaml", records]
      ])
    },
    {
      folder: chart,
      shared: true,
      files: new Map([
        ["values.schema.json", json(schemaOf(values))],
        ["README.md", withTable(read("README.md"), values)]
      ])
    }
  ])
