// One instance per folder, whatever was killed before.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { acquireLock } from "../../deploy/local/InstanceLock.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "carillon-lock-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("the lock", () => {
  it.live("is had by one at a time, and is free again after it", () =>
    Effect.gen(function* () {
      const at = yield* folder
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* acquireLock(at)
          const second = yield* Effect.result(acquireLock(at))
          assert.deepInclude(second, { _tag: "Failure" })
        })
      )
      yield* acquireLock(at)
    })
  )

  it.live("of a process that is gone is taken over, also when another process has its id now", () =>
    Effect.gen(function* () {
      const at = yield* folder
      writeFileSync(join(at, "lock"), JSON.stringify({ pid: process.pid, startedAt: "1" }))
      yield* Effect.scoped(acquireLock(at))
      writeFileSync(join(at, "lock"), JSON.stringify({ pid: 999_999_999, startedAt: "1" }))
      yield* Effect.scoped(acquireLock(at))
      writeFileSync(join(at, "lock"), "half a fi")
      yield* Effect.scoped(acquireLock(at))
    })
  )
})
