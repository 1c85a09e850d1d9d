// The folder in which the generated reference is kept.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const referenceFolder = join(import.meta.dirname, "../reference")

/** The files that are missing, that nothing generates any more, or that differ from what is generated now. */
export const drifted = (files: ReadonlyMap<string, string>, folder = referenceFolder): ReadonlyArray<string> => {
  mkdirSync(folder, { recursive: true })
  const present = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]))
  return [...new Set([...files.keys(), ...present.keys()])]
    .filter((name) => files.get(name) !== present.get(name))
    .sort()
}

export const write = (files: ReadonlyMap<string, string>, folder = referenceFolder): void => {
  for (const name of drifted(files, folder)) {
    const content = files.get(name)
    if (content === undefined) rmSync(join(folder, name))
    else writeFileSync(join(folder, name), content)
  }
}
