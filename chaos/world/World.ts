// What a run is made against: own servers, all services as processes, two replicas of each, a platform with faults; and a link
// that can be broken between any service and what it needs.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { Reply, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"
import { restartable } from "../../deploy/local/Restartable.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { machineOf } from "../faults/MachineFaults.ts"
import { chatMark, type Plan } from "../plan/Plan.ts"
import type { Fault } from "../plan/Planned.ts"
import { type LinkName, type Service, services, type User } from "../plan/Strikes.ts"
import { type Link, link } from "./Links.ts"
import { natsServers } from "./NatsServers.ts"
import { type Supervised, supervised } from "./Supervised.ts"

/** Sends in any second: of the bot, and to one chat. */
export const limits = { bot: 40, chat: 2 } as const

/** Marked, so that they can be searched for where they must not be. */
export const textOf = (id: string) => `CHAOSTEXT of ${id}`
const token = "909090:CHAOSTOKEN"
export const marks = ["CHAOSTEXT", "CHAOSTOKEN", chatMark]

/** A call of the platform as it left its gateway, whatever became of it. */
export interface Left {
  readonly id: string
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number
}

const userOf = (service: Service) => service.replace(/-2$/, "") as User

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
  const replicas = plan.world === "cluster" ? 3 : 1
  mkdirSync(join(folder, "nats"), { recursive: true })
  const clocks = plan.strikes.flatMap(({ kind, victim }) => (kind === "clock" ? [victim] : []))
  const machine =
    clocks.length > 0 || plan.strikes.some(({ kind }) => kind === "disk")
      ? yield* machineOf(folder, [...new Set(clocks)])
      : undefined
  const nats = yield* natsServers(replicas, join(folder, "nats"), natsServer, machine)
  const postgresPort = yield* freePort
  let databaseUrl = ""
  const postgres = yield* restartable(
    Effect.tap(
      startPostgres({
        dataDir: join(machine?.postgresFolder ?? folder, "postgres"),
        port: postgresPort,
        database: "chaos"
      }),
      ({ url }) =>
        Effect.sync(() => {
          databaseUrl = url
        })
    )
  )
  yield* postgres.start

  const begun = { at: 0 }
  let requests = 0
  const phones = yield* startBotApiStandIn({
    answer: (_, method) =>
      method === "sendMessage" ? replies[plan.fault(requests++, Date.now() - begun.at)]() : undefined
  })

  const links = new Map<LinkName, Link>()
  const left: Array<Left> = []
  const throughLink = Effect.fnUntraced(function* (
    name: LinkName,
    targets: ReadonlyArray<number>,
    leaving?: () => (chunk: Buffer) => void
  ) {
    const made = yield* link(targets, leaving)
    links.set(name, made)
    return made.ports
  })
  const throughLinkTo = Effect.fnUntraced(function* (
    name: LinkName,
    url: string,
    leaving?: () => (chunk: Buffer) => void
  ) {
    const linked = new URL(url)
    linked.port = String((yield* throughLink(name, [Number(linked.port)], leaving))[0])
    return linked.href.replace(/\/$/, "")
  })

  const settingsOf = Effect.fnUntraced(function* (service: Service) {
    const user = userOf(service)
    const ports = yield* throughLink(`${service} to nats`, nats.ports)
    const gateway = user === "telegram-gateway"
    return {
      ...machine?.environmentOf(service),
      NATS_URL: nats.urlFor(user, ports),
      STREAMS_REPLICAS: String(replicas),
      SHUTDOWN_GRACE_SECONDS: "5",
      LOG_LEVEL: "Debug",
      RETRY_TIERS: "10x1s,10x5s",
      ...(user === "ledger" ? { DATABASE_URL: yield* throughLinkTo(`${service} to postgres`, databaseUrl) } : {}),
      ...(gateway
        ? {
            TELEGRAM_BOT_TOKEN: token,
            TELEGRAM_API_ROOT: yield* throughLinkTo(`${service} to platform`, phones.apiRoot, () => watchCalls(left)),
            TELEGRAM_MESSAGES_PER_SECOND: String(limits.bot),
            TELEGRAM_CHAT_MESSAGES_PER_SECOND: String(limits.chat),
            CIRCUIT_FIRST_WAIT_SECONDS: "1",
            CIRCUIT_LONGEST_WAIT_SECONDS: "4"
          }
        : {})
    }
  })
  const processes = yield* Effect.forEach(services, (name) =>
    Effect.gen(function* () {
      const process = yield* serviceProcess(userOf(name), yield* settingsOf(name))
      return [name, yield* supervised(name, process)] as const
    })
  )
  yield* Effect.forEach(processes, ([, { start }]) => start, { concurrency: "unbounded" })
  return {
    begun,
    machine,
    nats,
    postgres,
    databaseUrl,
    phones,
    links,
    left: left as ReadonlyArray<Left>,
    services: Object.fromEntries(processes) as { readonly [Name in Service]: Supervised }
  }
})
export type World = Effect.Success<ReturnType<typeof worldOf>>

/** Notes the sends among the bytes of one connection; one may come in two pieces. */
const watchCalls = (left: Array<Left>) => {
  let rest = ""
  return (chunk: Buffer) => {
    const at = performance.timeOrigin + performance.now()
    rest += chunk.toString("latin1")
    let end = 0
    for (const { 0: whole, 1: id = "", index } of rest.matchAll(/CHAOSTEXT of ([\w-]+)"/g)) {
      left.push({ id, at })
      end = index + whole.length
    }
    rest = rest.slice(Math.max(end, rest.length - 200))
  }
}
