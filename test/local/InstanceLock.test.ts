// One instance per folder, whatever was killed before.
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { acquireLock } from "../../deploy/local/InstanceLock.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"

const folder = temporaryFolder("lock")

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

  it.live("left by a killed process is had by exactly one of several that start at the same moment", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const folders = Array.from({ length: 200 }, (_, index) => join(at, String(index)))
      for (const path of folders) {
        mkdirSync(path)
        writeFileSync(join(path, "lock"), JSON.stringify({ pid: 999_999_999, startedAt: "1" }))
      }
      const moment = String(Date.now() + 4_000)
      const held = yield* Effect.forEach([1, 2, 3, 4], () => contend(moment, folders), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        held.flat().sort((a, b) => a - b),
        folders.map((_, index) => index)
      )
    })
  )

  it.live("of a process that has ended and was never collected is taken over", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const parent = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sh", ["-c", "sleep 100 & echo $!; wait"], { stdio: ["ignore", "pipe", "ignore"] })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const pid = yield* Effect.callback<number>(
        (resume) => void parent.stdout.once("data", (line) => resume(Effect.succeed(Number(line))))
      )
      // A parent that is stopped cannot ask after it.
      parent.kill("SIGSTOP")
      process.kill(pid, "SIGKILL")
      const fields = yield* eventually(
        "it has ended",
        Effect.sync(() => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []),
        ([state]) => state === "Z"
      )
      writeFileSync(join(at, "lock"), JSON.stringify({ pid, startedAt: fields[19] }))
      yield* acquireLock(at)
    })
  )
})

const contender = join(import.meta.dirname, "LockContender.ts")

/** The places of the folders whose lock it got; anything else it says is a failure. */
const contend = (moment: string, folders: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [contender, moment, ...folders])),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((child) =>
      Effect.callback<ReadonlyArray<number>>((resume) => {
        let output = ""
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (chunk) => {
            output += chunk
            if (output.endsWith("]\n")) resume(Effect.sync(() => JSON.parse(output)))
          })
        }
        child.once("exit", () => resume(Effect.die(new Error(output))))
      })
    )
  )
