// Whether a variable of the environment means anything to what the project runs.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { reads, settingsByReader } from "../../docs/generate/Settings.ts"
import { root } from "./Markdown.ts"

/** What others define: OpenTelemetry, Node, libpq. */
const defined = /^(OTEL_|NODE_|PG[A-Z]+$)/

/** The examples are programs of their own. */
const examples = globSync("examples/**/*.*", { cwd: root })
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n")

export const isSetting = async (name: string): Promise<boolean> => {
  if (defined.test(name) || new RegExp(`\\b(env\\.|environ\\W+)${name}\\b`).test(examples)) return true
  const readers = [...(await settingsByReader).keys()]
  return (await Promise.all(readers.map((reader) => reads(reader, name)))).includes(true)
}
