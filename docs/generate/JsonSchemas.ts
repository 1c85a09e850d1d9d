// The Effect schemas of the contract as JSON Schema: one self-contained file for each thing that travels.
import { Schema, SchemaAST } from "effect"
import { commandNames, commands } from "#shared/contract/Commands.ts"
import { events, eventTypes } from "#shared/contract/Events.ts"
import { Reply } from "#shared/contract/Replies.ts"
import { WebhookPost } from "#shared/contract/WebhookPost.ts"
import { commandExamples, eventExample, postExample, replyExamples } from "./Examples.ts"

export type Json = { readonly [key: string]: unknown }

export interface SchemaFile {
  /** `schedule`, `reply`, `event.sent`: the file is named after it. */
  readonly name: string
  readonly title: string
  readonly description: string
  readonly root: Json
  readonly definitions: Readonly<Record<string, Json>>
  readonly examples: ReadonlyArray<unknown>
}

export const fileName = (name: string): string => `${name}.schema.json`

/** What is refused when it has a field too many is closed; what readers must tolerate growing is open. */
const schemaFile = (
  name: string,
  schema: Schema.Constraint,
  excess: "error" | "ignore",
  examples: ReadonlyArray<unknown>
): SchemaFile => {
  const { schema: reference, definitions } = Schema.toJsonSchemaDocument(schema, { onExcessProperty: excess })
  const rootName = String(reference.$ref).replace("#/$defs/", "")
  const { [rootName]: root, ...rest } = definitions
  if (root === undefined) throw new Error(`${name} needs an identifier annotation`)
  const description = SchemaAST.resolveDescription(schema.ast) ?? name
  return { name, title: rootName, description, root, definitions: rest, examples }
}

export const commandSchemas: ReadonlyArray<SchemaFile> = commandNames.map((name) =>
  schemaFile(name, commands[name], "error", [commandExamples[name]])
)

export const replySchema: SchemaFile = schemaFile("reply", Reply, "ignore", Object.values(replyExamples))

export const eventSchemas: ReadonlyArray<SchemaFile> = eventTypes.map((type) =>
  schemaFile(`event.${type}`, events[type], "ignore", [eventExample(type)])
)

export const postSchema: SchemaFile = schemaFile("webhook.post", WebhookPost, "ignore", [postExample])

export const schemaFiles: ReadonlyArray<SchemaFile> = [...commandSchemas, replySchema, ...eventSchemas, postSchema]

/** A whole document of draft 2020-12. */
export const toDocument = ({ name, title, description, root, definitions, examples }: SchemaFile): Json => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: `urn:carillon:schema:${name}.v1`,
  title,
  description,
  ...root,
  $defs: definitions,
  examples
})
