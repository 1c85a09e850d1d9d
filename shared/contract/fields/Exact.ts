// Tells whether a value is already what a schema would make of it, some times faster than the schema does: most
// commands are, and what our own services wrote nearly always. Of what it does not know it says no, and the schema decides.
import { Result, Schema, SchemaAST } from "effect"

type Test = (value: unknown) => boolean

const unknown: Test = () => false

/** True: decoding answers with this very value. False: perhaps it does, perhaps not. */
export const exactly = (schema: Schema.Constraint): Test => testOf(schema.ast)

/** What the schema makes of a value, with its own work only where that is another value. */
export const decoderOf = <A>(
  schema: Schema.ConstraintDecoder<unknown> & { readonly Type: A },
  options?: SchemaAST.ParseOptions
): ((value: unknown) => Result.Result<A, Schema.SchemaError>) => {
  const decode = Schema.decodeUnknownResult(schema, options)
  const isExact = exactly(schema)
  return (value) => (isExact(value) ? Result.succeed(value as A) : decode(value))
}

// Fields share their schemas.
const made = new WeakMap<SchemaAST.AST, Test>()

const testOf = (ast: SchemaAST.AST): Test => {
  const test = made.get(ast) ?? (ast.encoding ? unknown : checked(ast, shapeOf(ast)))
  made.set(ast, test)
  return test
}

const shapeOf = (ast: SchemaAST.AST): Test => {
  switch (ast._tag) {
    case "String":
      return (value) => typeof value === "string"
    case "Number":
      return (value) => typeof value === "number"
    case "Boolean":
      return (value) => typeof value === "boolean"
    case "Literal":
      return (value) => value === ast.literal
    case "Arrays":
      return arrayOf(ast)
    case "Objects":
      return ast.encodingChecks ? unknown : ast.indexSignatures.length > 0 ? recordOf(ast) : structOf(ast)
    case "Union":
      return unionOf(ast)
    default:
      return unknown
  }
}

/** The rules of the schema itself. */
const checked = (ast: SchemaAST.AST, shape: Test): Test => {
  const filters = (ast.checks ?? []).flatMap(filtersOf)
  if (filters.length === 0) return shape
  return (value) => shape(value) && filters.every((filter) => filter.run(value, ast, {}) === undefined)
}

const filtersOf = (check: SchemaAST.Check<unknown>): ReadonlyArray<SchemaAST.Filter<unknown>> =>
  check._tag === "Filter" ? [check] : check.checks.flatMap(filtersOf)

const arrayOf = ({ elements, encodingChecks, rest }: SchemaAST.Arrays): Test => {
  const [item, ...more] = rest
  if (!item || more.length > 0 || elements.length > 0 || encodingChecks) return unknown
  const test = testOf(item)
  return (value) => Array.isArray(value) && value.every(test)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const structOf = ({ propertySignatures }: SchemaAST.Objects): Test => {
  const fields = new Map(
    propertySignatures.map(({ name, type }) => [name, { test: testOf(type), needed: !SchemaAST.isOptional(type) }])
  )
  const needed = [...fields.values()].filter((field) => field.needed).length
  return (value) => {
    if (!isObject(value)) return false
    let found = 0
    for (const key in value) {
      const field = fields.get(key)
      // A foreign key is for the schema to take away.
      if (!field?.test(value[key])) return false
      if (field.needed) found++
    }
    return found === needed
  }
}

const recordOf = ({ indexSignatures, propertySignatures }: SchemaAST.Objects): Test => {
  const [one, ...more] = indexSignatures
  if (!one || more.length > 0 || propertySignatures.length > 0) return unknown
  const [key, test] = [testOf(one.parameter), testOf(one.type)]
  return (value) => isObject(value) && Object.keys(value).every((name) => key(name) && test(value[name]))
}

/** Only where no two members can match: of others the schema takes the first, which may not be the one that fits best. */
const unionOf = ({ types }: SchemaAST.Union): Test => {
  if (types.every((type) => type._tag === "Literal" && !type.encoding)) {
    const words = new Set<unknown>(types.map((type) => (type as SchemaAST.Literal).literal))
    return (value) => words.has(value)
  }
  const members = new Map(types.map((type) => [typeLiteral(type), testOf(type)]))
  if (members.has(undefined) || members.size < types.length) return unknown
  return (value) => isObject(value) && members.get(value.type as string)?.(value) === true
}

const typeLiteral = (ast: SchemaAST.AST) => {
  const type = ast._tag === "Objects" && ast.propertySignatures.find(({ name }) => name === "type")?.type
  return type && type._tag === "Literal" && !SchemaAST.isOptional(type) ? type.literal : undefined
}
