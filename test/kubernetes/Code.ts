// What the code knows, that the chart must not get wrong: services, commands, settings.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { isRead, type Reader, settingsByReader } from "../../docs/generate/Settings.ts"

export const root = join(import.meta.dirname, "../..")

export const serviceNames: ReadonlyArray<string> = readdirSync(join(root, "services"))

/** The first argument of the image. */
export const commands: ReadonlySet<string> = new Set([...serviceNames, "carillon"])

const byProcess = await settingsByReader

/** Whether a process, by its first argument, reads a variable of its environment. */
export const reads = (process: string, variable: string): boolean =>
  isRead(byProcess.get(process as Reader) ?? [], variable)

/** NATS_URL may have a password in it, and may not: that is looked at by itself. */
export const isSecret = (variable: string): boolean =>
  variable !== "NATS_URL" && [...byProcess.values()].flat().some(({ key, secret }) => secret && key === variable)
