// What the code knows, that the chart must not get wrong: services, commands, settings.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "../..")

export const serviceNames: ReadonlyArray<string> = readdirSync(join(root, "services"))

/** The first argument of the image. */
export const commands: ReadonlySet<string> = new Set([...serviceNames, "carillon"])

const code = ["services", "shared", "cli"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file))
  )
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n")

const inCode = [...code.matchAll(/"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g)].map(([, name]) => name as string)

export const settings: ReadonlySet<string> = new Set(inCode)

/** NATS_URL may have a password in it, and may not: that is looked at by itself. */
export const secretSettings: ReadonlySet<string> = new Set(
  inCode.filter((name) => /(_TOKENS?|_SECRETS?|_PASSWORD|DATABASE_URL|_LISTEN_URL)$/.test(name))
)
