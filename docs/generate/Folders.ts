// Folders of generated files: written, or with --check only held against what is generated now. One mechanism for all
// that the project generates.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"

export const docsFolder = join(import.meta.dirname, "..")
export const referenceFolder = join(docsFolder, "reference")

export interface Folder {
  readonly folder: string
  readonly files: ReadonlyMap<string, string>
  /** Other files stand there too, which are not ours. */
  readonly shared?: boolean
}

/** The files that are missing, that nothing generates any more, or that differ from what is generated now. */
export const drifted = ({ files, folder, shared = false }: Folder): ReadonlyArray<string> => {
  mkdirSync(folder, { recursive: true })
  const present = new Map(
    readdirSync(folder)
      .filter((name) => !shared || files.has(name))
      .map((name) => [name, readFileSync(join(folder, name), "utf8")])
  )
  return [...new Set([...files.keys(), ...present.keys()])]
    .filter((name) => files.get(name) !== present.get(name))
    .sort()
}

export const write = (folder: Folder): void => {
  for (const name of drifted(folder)) {
    const content = folder.files.get(name)
    if (content === undefined) rmSync(join(folder.folder, name))
    else writeFileSync(join(folder.folder, name), content)
  }
}

const root = join(docsFolder, "..")

/** As the arguments of this process say: writes them, or fails if anything has drifted. Names each file either way. */
export const writeOrCheck = (folders: ReadonlyArray<Folder>): void => {
  const checking = process.argv.includes("--check")
  for (const one of folders) {
    const names = drifted(one).map((name) => relative(root, join(one.folder, name)))
    if (!checking) write(one)
    for (const name of names)
      if (checking) console.error(`${name} is not what the code says: run npm run docs`)
      else console.log(name)
    if (checking && names.length > 0) process.exitCode = 1
  }
}
