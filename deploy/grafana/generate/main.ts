// Writes the dashboards as the JSON that Grafana takes; with --check only says what has drifted.
import { join } from "node:path"
import { writeOrCheck } from "../../../docs/generate/Folders.ts"
import { dashboards } from "./Dashboards.ts"

const folder = join(import.meta.dirname, "../dashboards")

/** By their names. */
export const texts: ReadonlyMap<string, string> = new Map(
  Object.entries(dashboards).map(([name, content]) => [`${name}.json`, `${JSON.stringify(content, null, 2)}\n`])
)

export const files = Array.from(texts, ([name, text]) => ({ path: join(folder, name), text }))

if (import.meta.main) writeOrCheck([{ folder, files: texts }])
