// A stand-in for docker.io/library/node:26-slim where no registry of images is in reach: a small Debian by debootstrap,
// this project's Node and this machine's npm. It bears that name in our own storage only.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { buildah, place, run } from "./Buildah.ts"

export const baseName = "docker.io/library/node:26-slim"

const root = join(place, "debian")

/** Kept for the next time. */
const debian = Effect.gen(function* () {
  if (existsSync(root)) return
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable"
  const unfinished = `${root}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  yield* run("debootstrap", ["--variant=minbase", "--include=libatomic1", codename, unfinished])
  // As the images of Debian come: without the packages that it was made of.
  for (const left of ["var/cache/apt/archives", "var/lib/apt/lists"])
    rmSync(join(unfinished, left), { recursive: true, force: true })
  renameSync(unfinished, root)
})

export const baseImage = Effect.gen(function* () {
  yield* debian
  const local = join(root, "usr/local")
  copyFileSync(process.execPath, join(local, "bin/node"))
  const npm = join(yield* run("npm", ["root", "--global"]), "npm")
  cpSync(npm, join(local, "lib/node_modules/npm"), { recursive: true })
  rmSync(join(local, "bin/npm"), { force: true })
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"))
  const container = yield* buildah("from", "scratch")
  yield* buildah("add", "--quiet", container, root, "/")
  yield* buildah("commit", "--quiet", "--rm", container, baseName)
  yield* buildah("rmi", "--prune", "--force")
})
