// What a run is made against: own servers, all services as processes, two gateways, a platform with faults.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { Reply, startBotApiStandIn } from "../deploy/local/BotApiStandIn.ts"
import { freePort } from "../deploy/local/LocalServer.ts"
import { startNatsServer } from "../deploy/local/NatsServer.ts"
import { startPostgres } from "../deploy/local/PostgresServer.ts"
import { restartable } from "../deploy/local/Restartable.ts"
import { serviceNames, serviceProcess } from "../deploy/local/ServiceProcess.ts"
import { chatMark, type Fault, type Plan, type Victim } from "./Plan.ts"

/** Sends in any second: of the bot, and to one chat. */
export const limits = { bot: 40, chat: 2 } as const

/** Marked, so that they can be searched for where they must not be. */
export const textOf = (id: string) => `CHAOSTEXT of ${id}`
const token = "909090:CHAOSTOKEN"
export const marks = ["CHAOSTEXT", "CHAOSTOKEN", chatMark]

const replies: { readonly [Name in Fault]: () => Reply | undefined } = {
  none: () => undefined,
  throttled: () => Reply.ApiError({ code: 429, description: "Too Many Requests", parameters: { retry_after: 1 } }),
  reset: () => Reply.Reset({}),
  "reset after delivery": () => Reply.Reset({ delivered: true }),
  half: () => Reply.Half(),
  "html 502": () => Reply.Raw({ status: 502, body: "<html>Bad Gateway</html>" }),
  slow: () => Reply.Delay({ ms: 400 }),
  blocked: () => Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
}

export const worldOf = Effect.fnUntraced(function* (plan: Plan, folder: string, natsServer: string) {
  const [natsPort, postgresPort] = [yield* freePort, yield* freePort]
  mkdirSync(join(folder, "nats"), { recursive: true })
  const nats = yield* restartable(
    startNatsServer({ binary: natsServer, port: natsPort, storeDir: join(folder, "nats") })
  )
  let databaseUrl = ""
  const postgres = yield* restartable(
    Effect.tap(startPostgres({ dataDir: join(folder, "postgres"), port: postgresPort, database: "chaos" }), ({ url }) =>
      Effect.sync(() => {
        databaseUrl = url
      })
    )
  )
  yield* Effect.all([nats.start, postgres.start], { concurrency: "unbounded" })

  const begun = { at: 0 }
  let requests = 0
  const phones = yield* startBotApiStandIn({
    answer: (_, method) =>
      method === "sendMessage" ? replies[plan.fault(requests++, Date.now() - begun.at)]() : undefined
  })
  const natsUrl = `nats://127.0.0.1:${natsPort}`
  const environment = {
    NATS_URL: natsUrl,
    DATABASE_URL: databaseUrl,
    TELEGRAM_BOT_TOKEN: token,
    TELEGRAM_API_ROOT: phones.apiRoot,
    TELEGRAM_MESSAGES_PER_SECOND: String(limits.bot),
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: String(limits.chat),
    CIRCUIT_FIRST_WAIT_SECONDS: "1",
    CIRCUIT_LONGEST_WAIT_SECONDS: "4",
    RETRY_TIERS: "10x1s,10x5s",
    SHUTDOWN_GRACE_SECONDS: "5",
    LOG_LEVEL: "Debug"
  }
  const services = yield* Effect.forEach(serviceNames, (name) => serviceProcess(name, environment))
  const second = yield* serviceProcess("telegram-gateway", environment)
  const processes = [...services, second]
  const service = (name: Victim) =>
    name === "telegram-gateway-2" ? second : services[serviceNames.indexOf(name as (typeof serviceNames)[number])]
  yield* Effect.forEach(processes, ({ start }) => start, { concurrency: "unbounded" })
  const log = () => processes.map(({ output }) => output()).join("")
  return { plan, begun, nats, natsUrl, postgres, databaseUrl, phones, service, log }
})
export type World = Effect.Success<ReturnType<typeof worldOf>>
