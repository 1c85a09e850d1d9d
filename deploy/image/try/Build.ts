// Builds the image as anybody would, from the Dockerfile as it is, and tells how large it is.
import { execFileSync } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { version } from "#shared/service/Version.ts"
import { baseName } from "./BaseImage.ts"
import { buildah, place, run } from "./Buildah.ts"
import type { Image } from "./Container.ts"
import { say } from "./Say.ts"

const sources = join(import.meta.dirname, "../../..")

export const imageName = "localhost/carillon:try"

/** npm in the build asks as npm on this machine does: a network may have an authority of its own. Nothing of it stays. */
const settingsOfNpm = Effect.gen(function* () {
  const file = yield* run("npm", ["config", "get", "globalconfig"])
  const mounts = [
    [file, "/usr/local/etc/npmrc"],
    ["/etc/ssl/certs", "/etc/ssl/certs"]
  ]
  return mounts.flatMap(([from = "", to]) => (existsSync(from) ? ["--volume", `${from}:${to}:ro`] : []))
})

export const build = Effect.gen(function* () {
  const revision = execFileSync("git", ["rev-parse", "HEAD"], { cwd: sources, encoding: "utf8" }).trim()
  yield* buildah(
    ...["bud", "--isolation", "chroot", "--pull-never", "--format", "oci", "--tag", imageName],
    ...(yield* settingsOfNpm),
    ...["--build-arg", `VERSION=${version}`, "--build-arg", `REVISION=${revision}`, sources]
  )
})

const mebibytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(0)} MiB`

const sizeOf = (path: string) =>
  Effect.map(run("du", ["--summarize", "--apparent-size", "--block-size=1", path]), (line) => Number.parseInt(line, 10))

const packed = Effect.fnUntraced(function* (name: string) {
  const archive = join(place, "image.tar")
  yield* buildah("push", "--quiet", name, `oci-archive:${archive}`)
  return statSync(archive).size
})

export const size = Effect.fnUntraced(function* ({ root }: Image) {
  const parts = ["node_modules", "compile-cache"]
  const app = yield* sizeOf(join(root, "app"))
  const of = yield* Effect.forEach(parts, (part) => sizeOf(join(root, "app", part)))
  const [whole, base] = [yield* packed(imageName), yield* packed(baseName)]
  const named = parts.map((part, index) => `${part} ${mebibytes(of[index] ?? 0)}`).join(", ")
  yield* say(`${mebibytes(app)} on the base (${named}); to fetch: ${mebibytes(whole - base)} of ${mebibytes(whole)}`)
})
