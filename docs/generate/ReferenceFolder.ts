// The folders in which generated files are kept: whole ones, and docs, where others stand too.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const docsFolder = join(import.meta.dirname, "..")
export const referenceFolder = join(docsFolder, "reference")

/** The files that are missing, that nothing generates any more, or that differ from what is generated now. */
export const drifted = (files: ReadonlyMap<string, string>, folder = referenceFolder): ReadonlyArray<string> => {
  mkdirSync(folder, { recursive: true })
  const ours = (name: string) => folder !== docsFolder || files.has(name)
  const present = new Map(
    readdirSync(folder)
      .filter(ours)
      .map((name) => [name, readFileSync(join(folder, name), "utf8")])
  )
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
