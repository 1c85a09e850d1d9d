// All of Carillon for one test: own nats-server, own database, a stand-in of the Bot API, four services.
import { Effect, Schedule } from "effect"
import type { ServiceName } from "#shared/service/Services.ts"
import { type Options, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { type ServiceProcess, serviceNames, serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { hostedService } from "./host/Hosted.ts"
import { canBeHosted } from "./host/Hosting.ts"
import { type Database, testDatabase } from "./servers/TestDatabase.ts"
import { type TestNats, testNatsWith } from "./servers/TestNats.ts"

export interface Settings {
  /** One of its own if left out. */
  readonly nats?: TestNats
  readonly answer?: Options["answer"]
  /** Extra environment of every service. */
  readonly environment?: Readonly<Record<string, string>>
  /** Those that every deployment has if left out. */
  readonly services?: ReadonlyArray<ServiceName>
  /** Further environment of a service. */
  readonly environmentOf?: (name: ServiceName) => Readonly<Record<string, string>>
  /**
   * Those that have a process of their own, for what is done to a process: killed, frozen, asked for its figures. The others
   * share one, unless their environment is one that only a process can have.
   */
  readonly processes?: true | ReadonlyArray<ServiceName>
  /** Further lines of the nats-server's configuration. */
  readonly natsConfiguration?: string
  /** Where a service finds NATS, if not where the server is. */
  readonly natsUrlOf?: Partial<Record<ServiceName, (url: string) => Effect.Effect<string, never, never>>>
}

export const carillon = Effect.fnUntraced(function* (settings: Settings = {}) {
  const nats =
    settings.nats ?? (yield* testNatsWith(settings.natsConfiguration ? { extra: [settings.natsConfiguration] } : {}))
  const database = yield* testDatabase
  const phones = yield* startBotApiStandIn(settings.answer ? { answer: settings.answer } : {})
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    TELEGRAM_BOT_TOKEN: "1:test",
    TELEGRAM_API_ROOT: phones.apiRoot,
    TELEGRAM_MESSAGES_PER_SECOND: "0",
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0",
    TELEGRAM_GROUP_MESSAGES_PER_MINUTE: "0",
    ...settings.environment
  }
  const services = {} as Record<ServiceName, ServiceProcess>
  const names = settings.services ?? serviceNames
  const { processes = [] } = settings
  for (const name of names) {
    const own = { ...environment, ...settings.environmentOf?.(name) }
    const hosted = processes !== true && !processes.includes(name) && canBeHosted(own)
    services[name] = yield* (hosted ? hostedService : serviceProcess)(name, own)
  }
  return {
    nats,
    database,
    phones,
    services,
    environment,
    start: Effect.forEach(names, (name) => services[name].start, { concurrency: "unbounded", discard: true })
  }
})

/** Asks again until the answer will do; dies with what it last was after two minutes: machines that run tests may be slow. */
export const eventually = <A, E, R>(what: string, ask: Effect.Effect<A, E, R>, enough: (answer: A) => boolean) => {
  let last: A | undefined
  return ask.pipe(
    Effect.tap((answer) =>
      Effect.sync(() => {
        last = answer
      })
    ),
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: enough }),
    Effect.timeout("120 seconds"),
    Effect.catch((error) =>
      Effect.die(new Error(`not in time: ${what}; last: ${JSON.stringify(last)} ${String(error)}`))
    )
  )
}

export const command = (id: string, dueInMillis: number, more: object = {}) => ({
  subject: "carillon.command.schedule",
  payload: JSON.stringify({
    id,
    platform: "telegram",
    recipient: { chatId: "100200300" },
    content: { type: "text", text: `text of ${id}` },
    dueAt: new Date(Date.now() + dueInMillis).toISOString(),
    ...more
  })
})

export const statusOf = (database: Database, id: string) =>
  Effect.map(
    database.query("select status from carillon.scheduled_messages where id = $1", [id]),
    (rows) => rows[0]?.status as string | undefined
  )
