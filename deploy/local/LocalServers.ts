// The servers that Carillon runs on: the given ones, and for each that is not given a real one of its own.
import { join } from "node:path"
import { Effect, Option, Redacted } from "effect"
import { natsUrl } from "#shared/nats/connection/Credentials.ts"
import { urlSetting as databaseUrl } from "#shared/postgres/ConnectionUrl.ts"
import { port, setting } from "#shared/service/Settings.ts"
import { botToken } from "../../services/telegram-gateway/BotTokens.ts"
import { startBotApiStandIn } from "./BotApiStandIn.ts"
import { home } from "./Home.ts"
import type { LocalServerError } from "./LocalServer.ts"
import { startNatsServer } from "./NatsServer.ts"
import { locateNatsServer } from "./NatsServerBinary.ts"
import { drawPhone } from "./Phone.ts"
import { startPostgres } from "./PostgresServer.ts"

export interface Servers {
  /** What the services read as their configuration. */
  readonly settings: {
    readonly NATS_URL: string
    readonly DATABASE_URL: string
    readonly TELEGRAM_BOT_TOKEN: string
    readonly TELEGRAM_API_ROOT?: string
  }
  /** Messages go to the stand-in on this machine, not to Telegram. */
  readonly standIn: boolean
  /** Fails when one of our own servers ends by itself. */
  readonly died: Effect.Effect<never, LocalServerError>
}

interface Reached {
  readonly url: string
  readonly died: Effect.Effect<never, LocalServerError>
}

const natsPort = setting("CARILLON_NATS_PORT", port, {
  says: "Where the own NATS server listens, if `NATS_URL` names none",
  byDefault: 4_222
})
const postgresPort = setting("CARILLON_POSTGRES_PORT", port, {
  says: "Where the own Postgres listens, if `DATABASE_URL` names none",
  byDefault: 15_432
})

export const localServers = Effect.gen(function* () {
  const nats = yield* Effect.flatMap(natsUrl.given, Option.match({ onSome: theirs, onNone: () => ownNats }))
  const database = yield* Effect.flatMap(databaseUrl.given, Option.match({ onSome: theirs, onNone: () => ownPostgres }))
  const token = yield* botToken.given
  const telegram = Option.isSome(token) ? { TELEGRAM_BOT_TOKEN: Redacted.value(token.value) } : yield* standIn
  return {
    settings: { NATS_URL: nats.url, DATABASE_URL: database.url, ...telegram },
    standIn: Option.isNone(token),
    died: Effect.raceFirst(nats.died, database.died)
  } satisfies Servers
})

/** What becomes of a given server is its keeper's affair: the services wait for it. */
const theirs = (url: Redacted.Redacted<string>): Effect.Effect<Reached> =>
  Effect.succeed({ url: Redacted.value(url), died: Effect.never })

const ownNats = Effect.gen(function* () {
  const port = yield* natsPort
  const binary = yield* locateNatsServer({ cacheDir: join(home, "bin") })
  const server = yield* startNatsServer({ binary, port, storeDir: join(home, "nats") })
  yield* Effect.logInfo(`nats-server at ${server.url}`)
  return server as Reached
})

const ownPostgres = Effect.gen(function* () {
  const port = yield* postgresPort
  const server = yield* startPostgres({ dataDir: join(home, "postgres"), port, database: "carillon" })
  yield* Effect.logInfo(`Postgres at 127.0.0.1:${server.port}`)
  return server as Reached
})

const standIn = Effect.gen(function* () {
  const { apiRoot } = yield* startBotApiStandIn({
    onMessage: (received) => {
      process.stdout.write(`${drawPhone({ ...received, note: new Date(received.at).toISOString().slice(11, 23) })}
`)
    }
  })
  yield* Effect.logInfo(`no TELEGRAM_BOT_TOKEN: messages go to a stand-in at ${apiRoot}, and show here`)
  return { TELEGRAM_BOT_TOKEN: "1:stand-in", TELEGRAM_API_ROOT: apiRoot }
})
