// helm and kubectl: fetched once whoever asks, only as they are known, and with a cure where they cannot be had.
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { locateKubernetesTools, noKubernetesTools } from "../../deploy/local/KubernetesTools.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const folder = temporaryFolder("kubernetes-tools")

/** An npm of our own, first on the PATH while the effect runs. */
const withNpm = <A, E, R>(at: string, does: string, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.env.PATH
      mkdirSync(join(at, "path"))
      writeFileSync(join(at, "path/npm"), `#!/bin/sh\n${does}\n`)
      chmodSync(join(at, "path/npm"), 0o755)
      process.env.PATH = `${join(at, "path")}:${before}`
      return before
    }),
    () => effect,
    (before) =>
      Effect.sync(() => {
        process.env.PATH = before
      })
  )

describe.skipIf(noKubernetesTools)("helm and kubectl", () => {
  it.live("are there for all who ask at once, and nothing else is left", () =>
    Effect.gen(function* () {
      const cacheDir = yield* folder
      const found = yield* Effect.all(
        [1, 2].map(() => locateKubernetesTools({ cacheDir })),
        { concurrency: 2 }
      )
      for (const { helm, kubectl } of found) assert.isTrue(existsSync(helm) && existsSync(kubectl))
      assert.lengthOf(readdirSync(cacheDir), 1)
    })
  )

  it.live("are not taken from a package that is not the one that was chosen", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const cacheDir = join(at, "cache")
      const other = "mkdir package && echo other >package/x && tar -czf other.tgz package"
      const error = yield* withNpm(at, other, Effect.flip(locateKubernetesTools({ cacheDir })))
      assert.match(error.message, /is not what it was/)
      assert.isEmpty(readdirSync(cacheDir))
    })
  )

  it.live("are missed with a cure, where npm does not reach its registry", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const cacheDir = join(at, "cache")
      const fails = "echo 'npm error code ENOTFOUND' >&2; echo 'npm error network somewhere' >&2; exit 1"
      const error = yield* withNpm(at, fails, Effect.flip(locateKubernetesTools({ cacheDir })))
      assert.match(error.message, /: ENOTFOUND\nLet npm reach its registry once/)
      assert.include(error.message, cacheDir)
    })
  )
})
