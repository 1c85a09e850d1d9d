// What the fields of the contract are made of: bounded text, closed sets of words, one of several keys.
import { Schema } from "effect"

// JSON Schema gets a pattern only when it has the flag `u`, and of a rule written as code what its `toJsonSchema` says.

/** Text that every part of the system can store: no NUL (Postgres refuses it), no half of a surrogate pair. */
export const storable = Schema.makeFilter<string>(
  (text) =>
    text.includes("\u0000") ? "must not contain U+0000" : text.isWellFormed() || "must be well-formed Unicode",
  { toJsonSchema: () => [{ pattern: "^[^\\u0000]*$" }, true] }
)

export const notBlank = Schema.makeFilter<string>((text) => text.trim() !== "" || "must not be blank", {
  toJsonSchema: () => ({ pattern: "\\S" })
})

/** Between so many code points. */
export const text = (minimum: number, maximum: number) =>
  Schema.String.check(Schema.isBetweenCodePoints(minimum, maximum), storable)

const disjunction = new Intl.ListFormat("en", { type: "disjunction" })
const either = (values: ReadonlyArray<string>) => disjunction.format(values)

export const oneOf = <const Values extends ReadonlyArray<string>>(
  identifier: string,
  values: Values,
  description?: string
) =>
  Schema.Literals(values).annotate({
    identifier,
    ...(description === undefined ? {} : { description }),
    message: `must be ${either(values)}`
  })

/** For an object whose keys are so many ways to say one thing, beside `others` that it always has. */
export const exactlyOne = (keys: ReadonlyArray<string>, others = 0) =>
  Schema.isBetweenProperties(1 + others, 1 + others, { message: `must have exactly one of ${either(keys)}` })
