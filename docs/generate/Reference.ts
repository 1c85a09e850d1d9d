// The generated reference: what stands in docs/reference, by file name.
import { asyncApi } from "./AsyncApi.ts"
import { fileName, schemaFiles, toDocument } from "./JsonSchemas.ts"
import { page } from "./Page.ts"

const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`

export const reference = (): ReadonlyMap<string, string> =>
  new Map([
    ...schemaFiles.map((file) => [fileName(file.name), json(toDocument(file))] as const),
    ["asyncapi.json", json(asyncApi)] as const,
    ["README.md", page] as const
  ])
