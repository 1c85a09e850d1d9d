// Writes the dashboards as the JSON that Grafana takes; with --check only says what has drifted.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { dashboards } from "./Dashboards.ts"

export const folder = join(import.meta.dirname, "../dashboards")

export const files = Object.entries(dashboards).map(([name, content]) => ({
  path: join(folder, `${name}.json`),
  text: `${JSON.stringify(content, null, 2)}\n`
}))

const stands = (path: string, text: string) => {
  try {
    return readFileSync(path, "utf8") === text
  } catch {
    return false
  }
}

if (import.meta.main) {
  const drifted = files.filter(({ path, text }) => !stands(path, text))
  if (!process.argv.includes("--check")) for (const { path, text } of drifted) writeFileSync(path, text)
  else if (drifted.length > 0) {
    for (const { path } of drifted) console.error(`${path} is not what deploy/grafana/generate says: run npm run docs`)
    process.exitCode = 1
  }
}
