// Which process reads which settings: told by the settings that its modules declare, each process loaded by itself.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { type ServiceName, servicePorts } from "#shared/service/Services.ts"
import { home } from "../../deploy/local/Home.ts"

export interface SettingInWords {
  readonly key: string
  readonly says: string
  /** What may be given. */
  readonly takes: string
  /** What holds without it. */
  readonly otherwise: string
  readonly secret: boolean
  /** Whether `<key>_FILE` may name a file with it. */
  readonly fromFile: boolean
}

/** A service, the command line, or all on one machine. */
export type Reader = ServiceName | "carillon" | "npm start"

export const services = Object.keys(servicePorts) as ReadonlyArray<ServiceName>

const modules: ReadonlyArray<readonly [Reader, string]> = [
  ...services.map((name) => [name, `services/${name}/main.ts`] as const),
  ["carillon", "cli/main.ts"],
  ["npm start", "deploy/local/main.ts"]
]

const root = join(import.meta.dirname, "../..")

const declaredIn = async (module: string): Promise<ReadonlyArray<SettingInWords>> => {
  const script = join(import.meta.dirname, "SettingsIn.ts")
  const { stdout } = await promisify(execFile)(process.execPath, [script, join(root, module)], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(home, "compile-cache") }
  })
  return JSON.parse(stdout)
}

export type SettingsByReader = ReadonlyMap<Reader, ReadonlyArray<SettingInWords>>

export const settingsByReader: Promise<SettingsByReader> = Promise.all(
  modules.map(async ([reader, module]) => [reader, await declaredIn(module)] as const)
).then((found) => new Map(found))

/** Whether a variable of the environment means anything to who reads these. */
export const isRead = (settings: ReadonlyArray<SettingInWords>, variable: string): boolean =>
  settings.some(({ fromFile, key }) => key === variable || (fromFile && `${key}_FILE` === variable))

export const reads = async (reader: Reader, variable: string): Promise<boolean> =>
  isRead((await settingsByReader).get(reader) ?? [], variable)
