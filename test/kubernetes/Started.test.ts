// The release of a chart, started: each container as a process with the environment and the files that its pod would have,
// against a nats-server with a user for each and a real Postgres. What a cluster adds is not shown here.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect } from "effect"
import type { IPodSpec } from "kubernetes-models/v1/PodSpec"
import type { ServiceName } from "#shared/service/Services.ts"
import { chart, manifestsOf, runTool } from "../../deploy/helm/Render.ts"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { keyring, violations } from "../security/Guarded.ts"
import { command, eventually, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"
import { describeWithTools } from "./Helm.ts"
import { isToolbox, workloads } from "./Objects.ts"

type Contents = Readonly<Record<string, Readonly<Record<string, string>>>>

const rendered = (values: object) =>
  Effect.promise(async () => {
    const text = await runTool("helm", ["template", "carillon", chart, "--values", "-"], JSON.stringify(values))
    const objects = manifestsOf(text).map(({ object }) => object)
    return workloads({ title: "started", given: {}, name: "carillon", namespace: "default", objects })
  })

/** What the first container of a pod is told, with the files of its secrets below `root`, where their paths then lead. */
const environmentIn = (root: string, { containers: [container], volumes = [] }: IPodSpec, secrets: Contents) => {
  const placed = (path: string) => join(root, path)
  for (const { mountPath, name } of container?.volumeMounts ?? []) {
    const secret = volumes.find((volume) => volume.name === name)?.secret
    for (const { key, path } of secret?.items ?? []) {
      const content = secrets[secret?.secretName ?? ""]?.[key]
      if (content === undefined) throw new Error(`the secret ${secret?.secretName} has no ${key}`)
      const file = placed(join(mountPath, path))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
  }
  const told = (container?.env ?? []).map(({ name, value = "" }) => [
    name,
    value.startsWith("/run/") ? placed(value) : value
  ])
  return { args: container?.args ?? [], environment: Object.fromEntries(told) as Record<string, string> }
}

describeWithTools("a release of the chart, as processes", () => {
  it.live(
    "makes its streams and tables, becomes ready, passes its own test, sends a message, and obeys its toolbox",
    () =>
      Effect.gen(function* () {
        const keys = yield* keyring
        const nats = yield* testNatsWith({ extra: [keys.configuration] })
        const database = yield* testDatabase
        const phones = yield* startBotApiStandIn()
        const names = ["scheduler", "dispatcher", "telegram-gateway", "ledger", "provisioner", "operator"]
        const secrets: Contents = {
          "carillon-nats": Object.fromEntries(
            names.map((name) => [`${name}.nk`, readFileSync(keys.environmentOf(name).NATS_NKEY, "utf8")])
          ),
          "carillon-postgres": { url: database.url },
          telegram: { token: "1:test" }
        }
        const all = yield* rendered({
          nats: { url: nats.url, auth: { kind: "nkeys", existingSecret: "carillon-nats" } },
          postgres: { existingSecret: "carillon-postgres" },
          toolbox: { enabled: true },
          services: {
            "telegram-gateway": {
              enabled: true,
              env: { TELEGRAM_API_ROOT: phones.apiRoot },
              senders: { default: { secret: "telegram", key: "token" } }
            }
          }
        })
        const root = yield* temporaryFolder("pods")
        const started = all.map((one) => ({
          ...one,
          ...environmentIn(join(root, one.object.metadata.name), one.pod, secrets)
        }))
        const runAs = Effect.fnUntraced(function* (kind: "Job" | "Pod") {
          const ones = started.filter((one) => one.kind === kind)
          assert.isNotEmpty(ones)
          for (const { args, called, environment } of ones) {
            const ended = yield* cli(environment)(args.slice(1))
            assert.strictEqual(ended.code, 0, `${called}: ${ended.out}${ended.err}`)
          }
        })
        yield* runAs("Job")
        const services = started.filter((one) => one.kind === "Deployment" && !isToolbox(one))
        assert.sameMembers(
          services.map(({ args }) => args[0]),
          ["scheduler", "dispatcher", "telegram-gateway", "ledger"]
        )
        yield* Effect.forEach(
          services,
          ({ args: [name], environment }) =>
            Effect.flatMap(serviceProcess(name as ServiceName, environment), ({ start }) => start),
          { concurrency: "unbounded" }
        )
        yield* runAs("Pod")
        const { payload, subject } = command("first", 0)
        const clinic = yield* keys.connectAs(nats.url, "clinic")
        yield* Effect.promise(() => jetstream(clinic).publish(subject, payload))
        yield* eventually("sent", statusOf(database, "first"), (status) => status === "sent")
        assert.deepStrictEqual(
          phones.received.map(({ text }) => text),
          ["text of first"]
        )
        const [toolbox] = started.filter(isToolbox)
        for (const told of ["queues", "list", "show first", "pause telegram", "resume telegram"]) {
          const ended = yield* cli(toolbox?.environment ?? {})(told.split(" "))
          assert.strictEqual(ended.code, 0, `${told}: ${ended.out}${ended.err}`)
        }
        assert.deepStrictEqual(violations(readFileSync(join(nats.storeDir, "nats-server.log"), "utf8")), [])
      })
  )
})
