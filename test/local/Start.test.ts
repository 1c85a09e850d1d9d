// npm start as a newcomer meets it: a sample that arrives, a clean stop, and the next start going on from there.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { command, eventually } from "../support/Carillon.ts"
import { compileCache } from "../support/CompileCache.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"

const root = join(import.meta.dirname, "../..")

interface Started {
  readonly output: () => string
  readonly ended: Effect.Effect<number | null>
  readonly interrupt: Effect.Effect<number | null>
  readonly kill9: Effect.Effect<number | null>
}

/** Like npm start, in a home of its own. */
const start = Effect.fnUntraced(function* (home: string, environment: Readonly<Record<string, string>> = {}) {
  let output = ""
  const child: ChildProcess = spawn(process.execPath, ["deploy/local/main.ts"], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      CARILLON_HOME: home,
      ...compileCache,
      NATS_SERVER: inject("natsServer"),
      CARILLON_NATS_PORT: "0",
      CARILLON_POSTGRES_PORT: "0",
      HTTP_PORT: "0",
      ...environment
    }
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output += chunk
    })
  }
  const ended = Effect.callback<number | null>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.succeed(child.exitCode))
    child.once("close", (code) => resume(Effect.succeed(code)))
  })
  const end = (signal: NodeJS.Signals) =>
    Effect.andThen(
      Effect.sync(() => child.kill(signal)),
      ended
    )
  yield* Effect.addFinalizer(() =>
    Effect.timeoutOrElse(end("SIGTERM"), { duration: "25 seconds", orElse: () => end("SIGKILL") })
  )
  return { output: () => output, ended, interrupt: end("SIGINT"), kill9: end("SIGKILL") } satisfies Started
})

const aHome = temporaryFolder("home")

const shows = (started: Started, text: string) =>
  eventually(`"${text}" in ${started.output()}`, Effect.sync(started.output), (output) => output.includes(text))

const natsUrl = (home: string) => JSON.parse(readFileSync(join(home, "run.json"), "utf8")).natsUrl as string

describe("npm start", () => {
  it.live("shows a sample being scheduled, fired, sent and recorded, and how to go on", () =>
    Effect.gen(function* () {
      const started = yield* start(yield* aHome)
      for (const step of [
        "scheduled ",
        "fired ",
        "Good morning!",
        "sent ",
        "recorded ",
        "./carillon schedule",
        "nats.connect"
      ]) {
        yield* shows(started, step)
      }
      assert.strictEqual(yield* started.interrupt, 0)
    })
  )

  it.live("goes on where it was: what came due meanwhile is sent while in time, else expired", () =>
    Effect.gen(function* () {
      const home = yield* aHome
      const first = yield* start(home)
      yield* shows(first, "recorded ")
      const due = Date.now() + 4_000
      yield* publishPlainly(natsUrl(home), [
        command("in-time", 4_000),
        command("too-late", 4_000, { maxLatenessSeconds: 1 }),
        command("tomorrow", 86_400_000)
      ])
      yield* eventually("stopped", first.interrupt, (code) => code === 0)
      yield* eventually(
        "its time gone",
        Effect.sync(() => Date.now()),
        (now) => now > due + 1_500
      )
      const second = yield* start(home)
      yield* shows(second, "text of in-time")
      yield* shows(second, "recorded ")
      assert.notInclude(second.output(), "text of too-late")
      assert.notInclude(second.output(), "text of tomorrow")
    })
  )

  it.live("takes over from one that was killed with -9, servers and all", () =>
    Effect.gen(function* () {
      const home = yield* aHome
      const first = yield* start(home)
      yield* shows(first, "recorded ")
      yield* first.kill9
      const second = yield* start(home)
      yield* shows(second, "recorded ")
      assert.strictEqual(yield* second.interrupt, 0)
    })
  )

  it.live("posts to webhooks too where there is a secret to sign with", () =>
    Effect.gen(function* () {
      const home = yield* aHome
      const { root: url, taken } = yield* webhookReceiver()
      const started = yield* start(home, {
        WEBHOOK_SECRET: `whsec_${"A".repeat(32)}`,
        WEBHOOK_ALLOW_HOSTS: "127.0.0.1"
      })
      yield* shows(started, "recorded ")
      yield* publishPlainly(natsUrl(home), [command("posted", 0, { platform: "webhook", recipient: { url } })])
      yield* eventually(
        "taken",
        Effect.sync(() => taken.map(({ post }) => post.id)),
        (ids) => ids.includes("posted")
      )
      assert.strictEqual(yield* started.interrupt, 0)
    })
  )

  it.live("says so when it runs already, and leaves the first alone", () =>
    Effect.gen(function* () {
      const home = yield* aHome
      const first = yield* start(home)
      yield* shows(first, "recorded ")
      const second = yield* start(home)
      assert.strictEqual(yield* second.ended, 1)
      assert.match(second.output(), /already running here \(process \d+\)/)
      assert.strictEqual(yield* first.interrupt, 0)
    })
  )

  it.live("names the port that is taken, and the setting that moves it", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer()
      const started = yield* start(yield* aHome, { CARILLON_NATS_PORT: String(port) })
      assert.strictEqual(yield* started.ended, 1)
      assert.match(started.output(), new RegExp(`Port ${port} is in use.*CARILLON_NATS_PORT`))
    })
  )

  it.live("says that it cannot write where it is told to keep its data", () =>
    Effect.gen(function* () {
      // A folder below a file: not even root can make it.
      const started = yield* start(join(root, "package.json/home"))
      assert.strictEqual(yield* started.ended, 1)
      assert.match(started.output(), /Cannot write to .*package.json\/home/)
    })
  )
})

describe("npm start whose nats-server is killed", () => {
  it.live("says so and ends, instead of waiting for it for ever", () =>
    Effect.gen(function* () {
      const home = yield* aHome
      const started = yield* start(home)
      yield* shows(started, "recorded ")
      process.kill(Number(readFileSync(join(home, "nats/nats-server.pid"), "utf8")), "SIGKILL")
      assert.strictEqual(yield* started.ended, 1)
      assert.match(started.output(), /nats-server ended by itself/)
    })
  )
})
