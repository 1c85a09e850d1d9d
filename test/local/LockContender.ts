// One of several processes that want the same locks at the same moment. Says which it got; holds them until it is ended.
import { Effect } from "effect"
import { acquireLock } from "../../deploy/local/InstanceLock.ts"

const [at, ...folders] = process.argv.slice(2)
// Effect.never alone does not keep a process.
setInterval(() => {}, 60_000)
while (Date.now() < Number(at)) {}

Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const held: Array<number> = []
      for (const [index, folder] of folders.entries()) {
        const got = yield* Effect.result(acquireLock(folder))
        if (got._tag === "Success") held.push(index)
        else if (got.failure._tag !== "AlreadyRunning") process.stdout.write(`${got.failure.message}\n`)
      }
      process.stdout.write(`${JSON.stringify(held)}\n`)
      yield* Effect.never
    })
  )
)
