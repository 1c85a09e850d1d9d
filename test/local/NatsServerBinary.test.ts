// Which nats-server is used: a named one, one on the PATH that is new enough, the one fetched before.
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { inject } from "vitest"
import { locateNatsServer } from "../../deploy/local/NatsServerBinary.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const folder = temporaryFolder("binary")

const script = (path: string, answer: string) => program(path, `echo "${answer}"`)

const program = (path: string, does: string) => {
  writeFileSync(path, `#!/bin/sh\n${does}\n`)
  chmodSync(path, 0o755)
}

const locate = (cacheDir: string, environment: Record<string, string> = {}) =>
  locateNatsServer({ cacheDir }).pipe(
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment))),
    Effect.result
  )

/** The PATH of the process is what child processes are looked up by. */
const withPath = <A, E, R>(path: string, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.env.PATH
      process.env.PATH = `${path}:${before}`
      return before
    }),
    () => effect,
    (before) =>
      Effect.sync(() => {
        process.env.PATH = before
      })
  )

describe("nats-server", () => {
  it.live("that is too old on the PATH is passed over for the one fetched before", () =>
    Effect.gen(function* () {
      const at = yield* folder
      script(join(at, "nats-server"), "nats-server: v2.9.0")
      const cache = join(at, "cache")
      yield* Effect.sync(() => {
        const real = mkdtempSync(join(at, "real-"))
        symlinkSync(real, cache)
        symlinkSync(inject("natsServer"), join(cache, "nats-server"))
      })
      const found = yield* withPath(at, locate(cache))
      assert.deepInclude(found, { _tag: "Success", success: join(cache, "nats-server") })
    })
  )

  it.live("that is new enough on the PATH is used", () =>
    Effect.gen(function* () {
      const at = yield* folder
      script(join(at, "nats-server"), "nats-server: v2.14.3")
      const found = yield* withPath(at, locate(join(at, "cache")))
      assert.deepInclude(found, { _tag: "Success", success: "nats-server" })
    })
  )

  it.live("that NATS_SERVER names and that is too old, or not there, is a clear error", () =>
    Effect.gen(function* () {
      const at = yield* folder
      script(join(at, "old"), "nats-server: v2.12.1")
      const old = yield* locate(at, { NATS_SERVER: join(at, "old") })
      assert.match(String(old._tag === "Failure" && old.failure.message), /2\.12\.1 is too old/)
      const missing = yield* locate(at, { NATS_SERVER: join(at, "missing") })
      assert.match(String(missing._tag === "Failure" && missing.failure.message), /NATS_SERVER=.*not found/)
    })
  )

  it.live.skipIf(!existsSync("/usr/bin/apt-get"))(
    "that was fetched and is too old does not stay, and the next newer release is asked",
    () =>
      Effect.gen(function* () {
        const at = yield* folder
        // An apt of our own: forky, or resolute, has an old one, and the release after it a new one.
        const bin = join(at, "bin")
        mkdirSync(bin)
        script(join(bin, "nats-server"), "nats-server: v2.9.0")
        program(
          join(bin, "apt-get"),
          `case "$*" in *download*) grep -qE 'forky|resolute' sources/* && echo 2.12.9 >x.deb || echo 2.15.1 >x.deb;; esac`
        )
        program(
          join(bin, "dpkg"),
          `mkdir -p "$3/usr/sbin"; printf '#!/bin/sh\\necho nats-server: v%s\\n' "$(cat "$2")" >"$3/usr/sbin/nats-server"; chmod +x "$3/usr/sbin/nats-server"`
        )
        const cache = join(at, "cache")
        const found = yield* withPath(bin, Effect.all([locate(cache), locate(cache)], { concurrency: 2 }))
        for (const one of found) assert.deepInclude(one, { _tag: "Success", success: join(cache, "nats-server") })
        assert.deepStrictEqual(readdirSync(cache), ["nats-server"])
        const answer = execFileSync(join(cache, "nats-server"), { encoding: "utf8" })
        assert.match(answer, /v2\.15\.1/)
      })
  )
})
