// Runs what an image says, as a container runtime would: as process 1, with its user, no rights and a root that nobody may
// write to. Servers of this machine's loopback are in reach. buildah run hides signals, so this is by unshare and chroot.
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { buildah } from "./Buildah.ts"

const ImageConfig = Schema.Struct({
  OCIv1: Schema.Struct({
    config: Schema.Struct({
      User: Schema.String,
      Env: Schema.Array(Schema.String),
      Entrypoint: Schema.Array(Schema.String),
      WorkingDir: Schema.String,
      Labels: Schema.Record(Schema.String, Schema.String)
    })
  })
})

export interface Image {
  /** Its files, mounted on this machine. */
  readonly root: string
  readonly config: (typeof ImageConfig.Type)["OCIv1"]["config"]
}

/** Mounted until the scope closes. */
export const openImage = Effect.fnUntraced(function* (name: string) {
  const container = yield* Effect.acquireRelease(buildah("from", "--pull-never", name), (container) =>
    Effect.ignore(buildah("rm", container))
  )
  const root = yield* buildah("mount", container)
  const inspected = yield* buildah("inspect", "--type", "image", name)
  const { OCIv1 } = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(ImageConfig))(inspected)
  return { root, config: OCIv1.config } satisfies Image
})

/** $1: the root, $2: uid, $3: gid, $4: a control group or nothing; the rest is run in it. No folder can be written to. */
const setUp = `set -e
root=$1 uid=$2 gid=$3 group=$4; shift 4
[ -z "$group" ] || echo $$ > "$group/cgroup.procs"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o size=64k dev "$root/dev"
for device in null zero random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount -o remount,bind,ro "$root"
mount -o remount,ro "$root/dev"
exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all env -i "$@"`

export interface Contained {
  readonly output: () => string
  readonly running: () => boolean
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  readonly exit: Effect.Effect<number | null>
}

export interface Settings {
  readonly environment?: Readonly<Record<string, string>>
  /** A control group that it is put in. */
  readonly group?: string
  /** In place of the image's own. */
  readonly entrypoint?: ReadonlyArray<string>
}

/** Started; killed when the scope closes. */
export const contained = ({ config, root }: Image, args: ReadonlyArray<string>, settings: Settings = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const [uid = "", gid = ""] = config.User.split(":")
        for (const folder of ["proc", "sys", "dev"]) mkdirSync(join(root, folder), { recursive: true })
        return spawn(
          "unshare",
          [
            ...["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", "-c", setUp, "sh"],
            ...[root, uid, gid, settings.group ?? "", "-C", config.WorkingDir, ...config.Env],
            ...Object.entries(settings.environment ?? {}).map(([key, value]) => `${key}=${value}`),
            ...(settings.entrypoint ?? config.Entrypoint),
            ...args
          ],
          { stdio: ["ignore", "pipe", "pipe"], cwd: "/" }
        )
      }),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    inspected
  )

const inspected = (child: ChildProcess): Contained => {
  let output = ""
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve))
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output += chunk
    })
  return {
    output: () => output,
    running: () => child.exitCode === null && child.signalCode === null,
    // To process 1 in there, which is unshare's only child.
    signal: (signal) =>
      Effect.sync(() => {
        const children = `/proc/${child.pid}/task/${child.pid}/children`
        const first = existsSync(children) ? Number(readFileSync(children, "utf8").trim()) : 0
        if (first > 0) process.kill(first, signal)
      }),
    exit: Effect.promise(() => exit)
  }
}
