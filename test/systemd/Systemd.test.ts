// The units for a server: as systemd takes them, with settings that are ours, and their commands run against real servers.
import { execFile, spawn } from "node:child_process"
import { existsSync, globSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { answersReady } from "../../deploy/local/ServiceProcess.ts"
import { reads, settingsByReader } from "../../docs/generate/Settings.ts"
import { isSetting } from "../docs/Settings.ts"
import { eventually } from "../support/Carillon.ts"
import { compileCache } from "../support/CompileCache.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"
import { folder, install, installed, wrapperOf } from "./Installed.ts"
import { running, serviceOf, variablesOf } from "./Unit.ts"

const run = promisify(execFile)
const services = ["scheduler", "dispatcher", "telegram-gateway", "webhook-gateway", "ledger", "table-bridge"] as const

const units = (root: string) => join(root, "etc/systemd/system")

/** What systemd has to say of them, drop-ins too; nothing where there is no systemd. */
const verified = (root: string) => {
  const instances = services.map((name) => join(units(root), `carillon@${name}.service`))
  for (const path of instances) if (!existsSync(path)) symlinkSync("carillon@.service", path)
  const others = ["carillon-provision.service", "carillon.target"].map((name) => join(units(root), name))
  return Effect.promise(() =>
    run("systemd-analyze", ["verify", "--man=no", ...instances, ...others]).then(
      ({ stderr }) => stderr,
      (error: { readonly code?: unknown; readonly stderr: string }) =>
        error.code === "ENOENT" ? undefined : error.stderr
    )
  )
}

describe("the installer", () => {
  it.live("keeps seeds and secrets from all but root, leaves what is there, and goes by the link to a version", () =>
    Effect.gen(function* () {
      const root = yield* installed
      const etc = join(root, "etc/carillon")
      for (const [path, mode] of [
        ["nats", 0o700],
        ["secrets", 0o700],
        ["secrets/database-password", 0o600],
        ["nats/scheduler.nk", 0o600]
      ] as const)
        assert.strictEqual(statSync(join(etc, path)).mode & 0o777, mode, path)
      const kept = [
        "nats/scheduler.nk",
        "nats/clinic.nk",
        "secrets/database-password",
        "carillon.env",
        "nats-users.conf"
      ]
      const contents = () => kept.map((path) => readFileSync(join(etc, path), "utf8"))
      writeFileSync(join(etc, "carillon.env"), "NATS_URL=nats://elsewhere:4222\n")
      const before = contents()
      // Another version beside it, and the link that says which is in use.
      symlinkSync(join(folder, "../.."), join(root, "carillon-2"))
      symlinkSync("carillon-2", join(root, "carillon"))
      yield* install(root, join(root, "carillon-2/deploy/systemd"))
      assert.deepStrictEqual(contents(), before)
      for (const file of ["etc/systemd/system/carillon@.service", "usr/local/bin/carillon"]) {
        const text = readFileSync(join(root, file), "utf8")
        assert.include(text, `${join(root, "carillon")}/`, file)
        assert.notInclude(text, "carillon-2", file)
      }
    })
  )
})

describe("the units", () => {
  it.live("are as systemd wants them", (context) =>
    Effect.gen(function* () {
      const root = yield* installed
      const problems = yield* verified(root)
      if (problems === undefined) return context.skip("systemd-analyze is not here")
      assert.strictEqual(problems, "")
      const file = join(units(root), "carillon@telegram-gateway.service.d/stop.conf")
      writeFileSync(file, readFileSync(file, "utf8").replace("TimeoutStopSec=205", "TimeoutStopSec=soon"))
      assert.match((yield* verified(root)) ?? "", /telegram-gateway.service.d.stop.conf:.*soon/)
    })
  )

  it.each(services)(
    "carillon@%s is fenced in, comes back whatever ends it, and may finish what is under way",
    async (name) => {
      const service = serviceOf(folder, `carillon@${name}`)
      const value = (key: string) => service.get(key)?.at(-1)
      assert.deepInclude(Object.fromEntries([...service].map(([key]) => [key, value(key)])), {
        User: "carillon",
        LimitCORE: "0",
        NoNewPrivileges: "yes",
        ProtectSystem: "strict",
        ProtectHome: "yes",
        PrivateTmp: "yes",
        PrivateDevices: "yes",
        RestrictSUIDSGID: "yes",
        Restart: "always"
      })
      assert.deepStrictEqual(service.get("CapabilityBoundingSet"), [])
      const own = variablesOf((service.get("Environment") ?? []).join("\n"))
      const settings = (await settingsByReader).get(name) ?? []
      const byDefault = settings.find(({ key }) => key === "SHUTDOWN_GRACE_SECONDS")?.otherwise.replaceAll("`", "")
      assert.isAbove(Number(value("TimeoutStopSec")), Number(own.SHUTDOWN_GRACE_SECONDS ?? byDefault ?? 0))
      for (const variable of Object.keys(own))
        assert.isTrue(await reads(name, variable), `${name} reads no ${variable}`)
    }
  )

  it("share no setting that nobody reads, and hold no secret", async () => {
    const files = globSync("**/*.{service,conf,env}", { cwd: folder }).map((file) =>
      readFileSync(join(folder, file), "utf8")
    )
    const variables = files.flatMap((text) => Object.entries(variablesOf(text.replaceAll(/^Environment=/gm, ""))))
    assert.isAbove(variables.length, 10)
    for (const [name, value] of variables) {
      const flags = files.some((text) => new RegExp(`^ExecStart=.* \\$${name}$`, "m").test(text))
      assert.isTrue(flags || (await isSetting(name)), `nobody reads ${name}`)
      if (/PASSWORD|TOKEN|SECRET|NKEY|CREDS/.test(name)) assert.match(value, /^%d\//, name)
    }
  })

  it.live("run every service, each as its own user of NATS, until a message has arrived", () =>
    Effect.gen(function* () {
      const root = yield* installed
      const etc = join(root, "etc/carillon")
      // The configuration that is shipped, and the users that it includes on a server of this test's own.
      yield* Effect.promise(() => run(inject("natsServer"), ["-t", "-c", join(etc, "nats-server.conf")]))
      const nats = yield* testNatsWith({ extra: [readFileSync(join(etc, "nats-users.conf"), "utf8")] })
      const database = yield* testDatabase
      const phones = yield* startBotApiStandIn({})
      const url = new URL(database.url)
      writeFileSync(join(etc, "secrets/database-password"), url.password)
      writeFileSync(join(etc, "secrets/bridge-database-password"), url.password)
      writeFileSync(join(etc, "secrets/telegram-bot-token"), "1:test\n")
      writeFileSync(join(etc, "secrets/webhook-secret"), `whsec_${Buffer.alloc(32, 7).toString("base64")}\n`)
      url.password = ""
      writeFileSync(join(etc, "carillon.env"), `NATS_URL=${nats.url}\nDATABASE_URL=${url}\nHTTP_HOST=127.0.0.1\n`)
      // Two bots: the second one's queues are made for it by what provision.env says.
      const bots = `TELEGRAM_API_ROOT=${phones.apiRoot}\nTELEGRAM_BOT_TOKENS=north=2:test\n`
      writeFileSync(join(etc, "telegram-gateway.env"), bots)
      writeFileSync(join(etc, "provision.env"), "PROVISION_FLAGS=--sender telegram/north\n")
      writeFileSync(join(etc, "table-bridge.env"), `TABLE_BRIDGE_DATABASE_URL=${url}\n`)

      const started = (name: string, more: Readonly<Record<string, string>>) => {
        const { args, command, cwd, environment } = running(root, name)
        // With the tests' cache, not the machine's in /var/cache.
        const env = { PATH: process.env.PATH, ...environment, ...compileCache, ...more }
        return Effect.acquireRelease(
          Effect.sync(() => spawn(command, args, { cwd, env, stdio: "ignore" })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
      }
      const provision = yield* started("carillon-provision", {})
      yield* eventually(
        "streams made",
        Effect.sync(() => provision.exitCode),
        (code) => code === 0
      )
      yield* database.query(readFileSync(join(folder, "../postgres/outbox.sql"), "utf8"))
      for (const name of services) {
        const port = yield* freePort
        yield* started(`carillon@${name}`, { HTTP_PORT: String(port) })
        yield* eventually(`${name} ready`, answersReady(port), (ok) => ok)
      }
      const typed = wrapperOf(root)
      yield* typed(["schedule", "--to", "123456789", "--text", "Hello", "--in", "1s"])
      yield* eventually(
        "arrived",
        Effect.sync(() => phones.received.map(({ text }) => text)),
        (texts) => texts.length > 0
      )
      assert.deepStrictEqual(
        phones.received.map(({ text }) => text),
        ["Hello"]
      )
      // Which the operator may not, and the provisioner may.
      yield* typed(["nats", "provision", "--sender", "telegram/north"])
      // Which the operator may not, and the eraser may.
      const { stdout } = yield* typed(["erase", "--recipient", "123456789", "--json"])
      assert.strictEqual((JSON.parse(stdout) as { readonly erased: number }).erased, 1)
    })
  )
})
