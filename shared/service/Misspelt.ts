// Variables that are no settings but look like one: somebody meant it, and what they said counts for nothing.
import { Effect } from "effect"
import { type Declared, declared } from "./Settings.ts"

/** One character more, less or other, or two exchanged. */
const oneSlip = (a: string, b: string): boolean => {
  const at = [...a].findIndex((character, index) => character !== b[index])
  const from = at < 0 ? a.length : at
  const rest = (text: string, skipped: number) => text.slice(from + skipped)
  return (
    rest(a, 1) === rest(b, 1) ||
    rest(a, 1) === rest(b, 0) ||
    rest(a, 0) === rest(b, 1) ||
    (a[from] === b[from + 1] && a[from + 1] === b[from] && rest(a, 2) === rest(b, 2))
  )
}

const units = /_(SECONDS|MILLIS|DAYS)$/

/** Each with what is probably meant. What other programs read has names of its own, and is left alone. */
export const misspelt = (
  names: ReadonlyArray<string>,
  settings: ReadonlyMap<string, Declared> = declared
): ReadonlyArray<readonly [name: string, meant: string]> => {
  const ours = [...settings.values()].flatMap(({ key, setting }) => (setting ? [key, `${key}_FILE`] : []))
  const known = new Set([...settings.keys(), ...ours])
  return names.flatMap((name) => {
    const meant = known.has(name)
      ? undefined
      : ours.find((key) => oneSlip(name, key) || (units.test(key) && key.replace(units, "") === name))
    return meant === undefined ? [] : [[name, meant] as const]
  })
}

// biome-ignore lint/style/noProcessEnv: the names only.
const given = () => misspelt(Object.keys(process.env))
const inWords = ([name, meant]: readonly [string, string]) =>
  `${name} is not a setting and counts for nothing: did you mean ${meant}?`

/** Of this process. Says names only, never what they hold. */
export const misspeltHere = Effect.sync(() => given().map(inWords))
export const warnOfMisspelt = Effect.flatMap(misspeltHere, (found) =>
  Effect.forEach(found, (line) => Effect.logWarning(line), { discard: true })
)
