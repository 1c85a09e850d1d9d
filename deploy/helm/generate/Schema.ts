// values.schema.json: what Helm checks values against before it renders. Descriptions and defaults are those of values.yaml.
import { type Shape, sender, senderName, shapes } from "./Shapes.ts"
import type { Entry } from "./Values.ts"

const shapeAt = (path: ReadonlyArray<string>): Shape | undefined =>
  path.map((_, index) => shapes[path.slice(index).join(".")]).find((shape) => shape !== undefined)

const ofDefault = (path: ReadonlyArray<string>, value: unknown): Shape => {
  switch (typeof value) {
    case "boolean":
      return { type: "boolean" }
    case "number":
      return { type: "integer", minimum: 0 }
    case "string":
      return { type: "string" }
    default:
      throw new Error(`what may stand under ${path.join(".")} is not said in Shapes.ts`)
  }
}

const closed = (entries: ReadonlyArray<Entry>, further: Shape = {}): Shape => ({
  type: "object",
  properties: { ...further, ...Object.fromEntries(entries.map((entry) => [entry.path.at(-1) ?? "", property(entry)])) },
  additionalProperties: false
})

const property = (entry: Entry): Shape => {
  const { description, entries, path, value } = entry
  if (entries.length > 0) return { description, ...closed(entries) }
  return { description, ...(shapeAt(path) ?? ofDefault(path, value)), default: value }
}

const below = (entries: ReadonlyArray<Entry>, key: string) =>
  entries.find(({ path }) => path.at(-1) === key)?.entries ?? []

/** What every service may have, and a sender of it otherwise: `defaults`, and how it scales. */
const shared = (values: ReadonlyArray<Entry>): Shape => {
  const scaling = below(below(values, "services"), "scheduler").filter(({ path }) => path.at(-1) === "autoscaling")
  return closed([...below(values, "defaults"), ...scaling])
}

const properties = (shape: Shape) => shape.properties as Shape
const pointing = (definition: string, shape: Shape): Shape =>
  Object.fromEntries(
    Object.keys(properties(shape)).map((key) => [key, { $ref: `#/definitions/${definition}/properties/${key}` }])
  )

const service = (entry: Entry, common: Shape): Shape => {
  const own = properties(closed(entry.entries))
  const named = { propertyNames: { pattern: senderName }, additionalProperties: { $ref: "#/definitions/sender" } }
  return {
    description: entry.description,
    type: "object",
    properties: {
      ...common,
      ...own,
      ...("senders" in own ? { senders: { ...(own.senders as Shape), ...named } } : {})
    },
    additionalProperties: false
  }
}

export const schemaOf = (values: ReadonlyArray<Entry>): Shape => {
  const ofService = shared(values)
  const common = pointing("service", ofService)
  const root = properties(closed(values))
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Values of the chart carillon",
    type: "object",
    properties: {
      global: { type: "object", description: "Helm's own: what a chart shares with those it is a part of" },
      ...root,
      services: {
        ...(root.services as Shape),
        properties: Object.fromEntries(
          below(values, "services").map((entry) => [entry.path.at(-1), service(entry, common)])
        )
      }
    },
    additionalProperties: false,
    definitions: {
      service: ofService,
      sender: {
        type: "object",
        properties: { ...sender, ...common },
        required: Object.keys(sender),
        additionalProperties: false
      }
    }
  }
}
