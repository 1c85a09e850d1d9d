// Our own nats-server: its data outlive it, its death is seen, what an earlier run left is taken over.
import { spawn } from "node:child_process"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Effect, Exit, Scope } from "effect"
import { inject } from "vitest"
import { freePort, type LocalServerError } from "../../deploy/local/LocalServer.ts"
import { startNatsServer } from "../../deploy/local/NatsServer.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"
import { withClient } from "../support/NatsClient.ts"

const store = temporaryFolder("nats")

const start = (storeDir: string, port = 0) => startNatsServer({ binary: inject("natsServer"), port, storeDir })

const refusal = <A, R>(effect: Effect.Effect<A, LocalServerError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.message)

const keepOne = (url: string) =>
  withClient(url, async (nats) => {
    await (await jetstreamManager(nats)).streams.add({ name: "KEPT", subjects: ["kept"] })
    await jetstream(nats).publish("kept", "a")
  })

const kept = (url: string) =>
  withClient(url, async (nats) => (await (await jetstreamManager(nats)).streams.info("KEPT")).state.messages)

const isAlive = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "Z"
  } catch {
    return false
  }
}

const running = (command: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, [...args], { stdio: "ignore" })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe("nats-server", () => {
  it.live("has its messages again after a stop, and after kill -9", () =>
    Effect.gen(function* () {
      const storeDir = yield* store
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* start(storeDir)
          yield* keepOne(server.url)
          return server.port
        })
      )
      const scope = yield* Scope.make()
      const second = yield* start(storeDir, port).pipe(Scope.provide(scope))
      assert.strictEqual(yield* kept(second.url), 1)
      process.kill(second.pid, "SIGKILL")
      yield* Scope.close(scope, Exit.void)
      const third = yield* start(storeDir, port)
      assert.strictEqual(yield* kept(third.url), 1)
    })
  )

  it.live("that dies is noticed", () =>
    Effect.gen(function* () {
      const server = yield* start(yield* store)
      process.kill(server.pid, "SIGKILL")
      assert.match(yield* refusal(server.died), /nats-server ended by itself \(SIGKILL\)/)
    })
  )

  it.live("left behind by a killed run is ended, and its data taken over", () =>
    Effect.gen(function* () {
      const storeDir = yield* store
      const port = yield* Effect.scoped(Effect.map(start(storeDir), (server) => server.port))
      const orphan = yield* running(inject("natsServer"), ["-c", join(storeDir, "nats-server.conf")])
      const url = `nats://127.0.0.1:${port}`
      yield* eventually(
        "the orphan answers",
        Effect.promise(() =>
          keepOne(url)
            .pipe(Effect.runPromise)
            .then(
              () => true,
              () => false
            )
        ),
        (answers) => answers
      )
      const server = yield* start(storeDir, port)
      assert.isFalse(isAlive(orphan.pid as number))
      assert.strictEqual(yield* kept(server.url), 1)
    })
  )

  it.live("leaves alone a process that only has the id of an earlier server, whatever it reads", () =>
    Effect.gen(function* () {
      const storeDir = yield* store
      const other = yield* running(process.execPath, [
        "-e",
        "setInterval(() => {}, 1000)",
        join(storeDir, "nats-server.conf")
      ])
      writeFileSync(join(storeDir, "nats-server.pid"), String(other.pid))
      yield* start(storeDir)
      assert.isTrue(isAlive(other.pid as number))
    })
  )

  it.live("is refused a port that is taken: the error names it, and the setting that moves it", () =>
    Effect.gen(function* () {
      const { port } = yield* start(yield* store)
      assert.match(yield* refusal(start(yield* store, port)), new RegExp(`Port ${port} is in use.*CARILLON_NATS_PORT`))
    })
  )

  it.live("that cannot use its store says why", () =>
    Effect.gen(function* () {
      const storeDir = yield* store
      writeFileSync(join(storeDir, "jetstream"), "a file where a folder must be")
      assert.match(yield* refusal(start(storeDir)), /nats-server ended by itself.*jetstream/i)
    })
  )

  it.live("that is no program is an error at once", () =>
    Effect.gen(function* () {
      const storeDir = yield* store
      const binary = join(storeDir, "text")
      writeFileSync(binary, "not a program")
      chmodSync(binary, 0o644)
      const port = yield* freePort
      const problem = yield* refusal(startNatsServer({ binary, port, storeDir })).pipe(Effect.timeout("10 seconds"))
      assert.match(problem, /nats-server cannot be started: .*EACCES/)
    })
  )
})
