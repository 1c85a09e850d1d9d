// Puts back what a schema took away of a value: fields that it does not know, for a newer service wrote them. Pure.

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `known` is what was read of `json`. Of the fields of `json` itself no more than it knows; below them all that there are. */
export const withForeign = <A extends object>(known: A, json: unknown): A => {
  if (!isFields(json)) return known
  const fields = Object.entries(known as Fields)
  return Object.fromEntries(fields.map(([key, value]) => [key, whole(value, json[key])])) as A
}

const whole = (known: unknown, json: unknown): unknown => {
  if (known === json) return known
  if (Array.isArray(known) && Array.isArray(json))
    return known.length === json.length ? known.map((one, index) => whole(one, json[index])) : known
  if (!isFields(known) || !isFields(json)) return known
  const foreign = Object.entries(json).filter(([key]) => !Object.hasOwn(known, key))
  return { ...withForeign(known, json), ...Object.fromEntries(foreign) }
}
