// Debian's buildah with a storage of its own under .carillon, and what a machine must have for it.
import { execFile } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Schema } from "effect"
import { home } from "../../local/Home.ts"

/** The image cannot be tried, or is not as it should be. */
export class ImageFailure extends Schema.TaggedError<ImageFailure>()("ImageFailure", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

/** Where base, storage and results are kept. */
export const place = join(home, "image")

const execute = promisify(execFile)

/** Answers with what it prints. */
export const run = (command: string, args: ReadonlyArray<string>, cwd = "/") =>
  Effect.tryPromise({
    try: () => execute(command, [...args], { cwd, maxBuffer: 64 << 20 }).then(({ stdout }) => stdout.trim()),
    catch: (error) => {
      const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string }
      const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n") || message
      return new ImageFailure({ problem: `${command} ${args.join(" ")}\n${said}` })
    }
  })

export const buildah = (...args: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    mkdirSync(place, { recursive: true })
    const storage = ["--root", join(place, "storage"), "--runroot", join(place, "run"), "--storage-driver", "overlay"]
    return run("buildah", [...storage, ...args])
  })

/** Root, for it makes file systems, and the programs that Debian has in two packages. */
export const requirements = Effect.gen(function* () {
  const lacks: Array<string> = []
  if (process.platform !== "linux" || process.getuid?.() !== 0) lacks.push("it must be run as root on Linux")
  for (const [command, debian] of Object.entries({
    buildah: "buildah",
    debootstrap: "debootstrap",
    unshare: "util-linux"
  }))
    if (!(yield* Effect.isSuccess(run("sh", ["-c", `command -v ${command}`]))))
      lacks.push(`there is no ${command}: apt-get install ${debian}`)
  const mounts = yield* Effect.isSuccess(run("unshare", ["--mount", "--pid", "--fork", "true"]))
  if (lacks.length === 0 && !mounts) lacks.push("this machine lets nobody make namespaces")
  if (lacks.length > 0)
    return yield* new ImageFailure({ problem: ["The image cannot be tried here:", ...lacks].join("\n  - ") })
})
