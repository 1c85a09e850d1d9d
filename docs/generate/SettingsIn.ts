// Prints the settings that the modules of one process declare, for people: what Settings.ts runs for each process.
import { Schema } from "effect"
import { type Declared, declared } from "#shared/service/Settings.ts"
import type { SettingInWords } from "./Settings.ts"

interface Values {
  readonly type?: string
  readonly enum?: ReadonlyArray<string>
  readonly minimum?: number
  readonly maximum?: number
}

const inWords = (values: Values, unit: string): string => {
  const between = () => `${values.minimum?.toLocaleString("en")} to ${values.maximum?.toLocaleString("en")}${unit}`
  if (values.enum) return values.enum.map((value) => `\`${value}\``).join(", ")
  if (values.type === "integer") return between()
  if (values.type === "number") return `${between()}, also fractions`
  return values.type === "boolean" ? "`true`, `false`" : "text"
}

const takesOf = ({ schema, takes, unit }: Declared): string => {
  const ofUnit = unit === undefined ? "" : ` ${unit}`
  if (takes !== undefined) return takes
  return schema === undefined ? "text" : inWords(Schema.toJsonSchemaDocument(schema).schema as Values, ofUnit)
}

await import(process.argv[2] ?? "")
const settings = [...declared.values()].map(
  (one): SettingInWords => ({
    key: one.key,
    says: one.says,
    takes: takesOf(one),
    otherwise: one.otherwise ?? (one.byDefault === undefined ? "" : `\`${one.byDefault}\``),
    secret: one.secret,
    fromFile: one.setting !== undefined
  })
)
console.log(JSON.stringify(settings))
