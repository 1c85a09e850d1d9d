// The settings that a service is said to read are those that it reads: each is started for real, and what it asks for noted.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { asService } from "#shared/service/RunService.ts"
import type { ServiceName } from "#shared/service/Services.ts"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { answersReady } from "../../deploy/local/ServiceProcess.ts"
import { services, settingsByReader } from "../../docs/generate/Settings.ts"
import { dispatcher } from "../../services/dispatcher/main.ts"
import { ledger } from "../../services/ledger/main.ts"
import { scheduler } from "../../services/scheduler/main.ts"
import { tableBridge } from "../../services/table-bridge/main.ts"
import { telegramGateway } from "../../services/telegram-gateway/main.ts"
import { webhookGateway } from "../../services/webhook-gateway/main.ts"
import { mark, secrets, watched } from "../security/Marked.ts"
import { eventually } from "../support/Carillon.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { outboxSql } from "../table-bridge/World.ts"

const programs = {
  scheduler: asService("scheduler", scheduler),
  dispatcher: asService("dispatcher", dispatcher),
  "telegram-gateway": asService("telegram-gateway", telegramGateway),
  ledger: asService("ledger", ledger),
  "webhook-gateway": asService("webhook-gateway", webhookGateway),
  "table-bridge": asService("table-bridge", tableBridge)
} satisfies Record<ServiceName, unknown>

const world = Effect.gen(function* () {
  const nats = yield* testNats
  const database = yield* testDatabase
  yield* database.query(outboxSql)
  const phones = yield* startBotApiStandIn()
  return {
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    TELEGRAM_API_ROOT: phones.apiRoot,
    TELEGRAM_UPDATES: "webhook",
    ...secrets,
    HTTP_HOST: "127.0.0.1",
    LOG_LEVEL: "None"
  }
})

/** Asked for until it is ready; a file is another way to a setting. */
const readBy = Effect.fnUntraced(function* (name: ServiceName, given: Readonly<Record<string, string>>) {
  const port = yield* freePort
  const settings = ConfigProvider.fromUnknown({ ...given, HTTP_PORT: String(port) })
  const asked = new Set<string>()
  const noting = ConfigProvider.make((path) =>
    Effect.suspend(() => {
      asked.add(path.join(".").replace(/(_FILE)+$/, ""))
      return settings.load(path)
    })
  )
  yield* Effect.raceFirst(
    eventually(`${name} ready`, answersReady(port), (ok) => ok),
    Effect.provide(programs[name], ConfigProvider.layer(noting))
  )
  return [...asked].sort()
})

describe("a service", () => {
  it.live("reads when it starts what it declares, and nothing else", () =>
    Effect.gen(function* () {
      const given = yield* world
      const declared = yield* Effect.promise(() => settingsByReader)
      for (const name of services) {
        const said = (declared.get(name) ?? []).filter(({ fromFile }) => fromFile).map(({ key }) => key)
        assert.deepStrictEqual(yield* readBy(name, given), said.sort(), name)
      }
    })
  )

  const bad: ReadonlyArray<readonly [ServiceName, string, string]> = [
    ["scheduler", "TIMER_LEAD_MILLIS", "-1"],
    ["dispatcher", "RETRY_SENDER_WAIT_SECONDS", "soon"],
    ["telegram-gateway", "CIRCUIT_FAILURES", "0"],
    ["webhook-gateway", "SHUTDOWN_GRACE_SECONDS", "Infinity"],
    ["ledger", "DATABASE_POOL_SIZE", "1"],
    ["table-bridge", "OUTBOX_POLL_MILLIS", "0"]
  ]
  for (const [name, key, value] of bad)
    it.live(`${name} does not start with ${key}=${value}, says so, and tells of a slip without what it holds`, () =>
      Effect.gen(function* () {
        const given = { ...(yield* world), LOG_LEVEL: "Info", HTTP_PORT: "0", [key]: value, NATS_URLS: mark }
        const { output } = yield* watched([process.execPath, `services/${name}/main.ts`], given)
        const lines = output.split("\n").map((line) => (line.startsWith("{") ? JSON.parse(line) : {}))
        const told = (level: string) => lines.filter((line) => line.level === level).map(({ message }) => message)
        assert.match(told("fatal").join(), new RegExp(key))
        assert.deepStrictEqual(
          told("warn").filter((line) => line.includes("is not a setting")),
          ["NATS_URLS is not a setting and counts for nothing: did you mean NATS_URL?"]
        )
        assert.notInclude(output, mark)
      })
    )
})
