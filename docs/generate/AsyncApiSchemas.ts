// All JSON Schemas of the contract in one namespace, as `components.schemas`.
// A definition that commands have closed and events have open stands there twice, the closed one as `Submitted…`.
import { commandSchemas, eventSchemas, type Json, replySchema, type SchemaFile } from "./JsonSchemas.ts"

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** One name, one meaning. */
const merged = (entries: ReadonlyArray<readonly [string, Json]>): Readonly<Record<string, Json>> => {
  const all: Record<string, Json> = {}
  for (const [name, schema] of entries) {
    if (name in all && !same(all[name], schema)) throw new Error(`two schemas have the name ${name}`)
    all[name] = schema
  }
  return all
}

const open = merged([replySchema, ...eventSchemas].flatMap(({ definitions }) => Object.entries(definitions)))

const referred = (definition: Json) =>
  [...JSON.stringify(definition).matchAll(/"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name as string)

/** Whether the one of this name in a closed file differs from the open one, itself or in what it refers to. */
const differs = (file: SchemaFile, name: string): boolean => {
  const definition = file.definitions[name] ?? file.root
  return name in open && (!same(open[name], definition) || referred(definition).some((other) => differs(file, other)))
}

const moveRefs = (schema: Json, nameOf: (name: string) => string): Json =>
  JSON.parse(JSON.stringify(schema), (key, value) =>
    key === "$ref" && typeof value === "string"
      ? `#/components/schemas/${nameOf(value.replace("#/$defs/", ""))}`
      : value
  )

const entries = ({ title, description, root, definitions }: SchemaFile, nameOf: (name: string) => string) =>
  [...Object.entries(definitions), [title, { title, description, ...root }] as const].map(
    ([name, schema]) => [nameOf(name), moveRefs(schema, nameOf)] as const
  )

export const schemas = merged([
  ...commandSchemas.flatMap((file) => entries(file, (name) => (differs(file, name) ? `Submitted${name}` : name))),
  ...[replySchema, ...eventSchemas].flatMap((file) => entries(file, (name) => name))
])

export const schemaRef = (name: string): Json => {
  if (!(name in schemas)) throw new Error(`there is no schema ${name}`)
  return { $ref: `#/components/schemas/${name}` }
}
