// Reads a unit of systemd with the drop-ins beside it, and says what it would run and with what environment.
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Of `[Service]`, each setting with its values in order; an empty one takes back those before. */
type Service = ReadonlyMap<string, ReadonlyArray<string>>

const readInto = (found: Map<string, ReadonlyArray<string>>, text: string) => {
  let section = ""
  for (const line of text.split("\n")) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (section !== "Service" || key === undefined) continue
    found.set(key, value === "" ? [] : [...(found.get(key) ?? []), value as string])
  }
}

/** An instance of a template, `carillon@ledger`, or a unit of its own, `carillon-provision`. */
export const serviceOf = (units: string, name: string): Service => {
  const found = new Map<string, ReadonlyArray<string>>()
  const template = name.replace(/@.*/, "@")
  readInto(found, readFileSync(join(units, `${template}.service`), "utf8"))
  for (const folder of new Set([template, name]))
    for (const file of globSync(`${folder}.service.d/*.conf`, { cwd: units }).toSorted())
      readInto(found, readFileSync(join(units, file), "utf8"))
  return found
}

export const variablesOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [name, value]))

/** What systemd would do with it in a root of its own; credentials are read where they lie. */
export const running = (root: string, name: string) => {
  const service = serviceOf(join(root, "etc/systemd/system"), name)
  const instance = name.replace(/^.*@/, "")
  const values = (key: string) => (service.get(key) ?? []).map((value) => value.replaceAll("%i", instance))
  const credentials = new Map(values("LoadCredential").map((one) => one.split(":") as [string, string]))
  const files = values("EnvironmentFile").flatMap((file) => {
    const path = join(root, file.replace(/^-/, ""))
    return file.startsWith("-") && !existsSync(path) ? [] : [variablesOf(readFileSync(path, "utf8"))]
  })
  const own = variablesOf(
    values("Environment")
      .map((one) => one.replace(/%d\/([\w.-]+)/, (_, id: string) => join(root, credentials.get(id) ?? "?")))
      .join("\n")
  )
  // Later files go before earlier ones, and all of them before what the unit itself says.
  const environment: Readonly<Record<string, string>> = Object.assign({}, own, ...files)
  const words = (text: string) => text.split(" ").filter((word) => word !== "")
  const [command = "", ...args] = words(values("ExecStart").at(-1) ?? "").flatMap((word) =>
    word.startsWith("$") ? words(environment[word.slice(1)] ?? "") : [word]
  )
  return { command, args, cwd: values("WorkingDirectory").at(-1) ?? "/", environment }
}
