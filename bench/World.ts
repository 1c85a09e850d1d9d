// What one measurement is made against: real servers of its own, the services as processes, and the stand-in.
import { join, resolve } from "node:path"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import pg from "pg"
import type { ServiceName } from "#shared/service/Services.ts"
import { freePort } from "../deploy/local/LocalServer.ts"
import { startNatsServer } from "../deploy/local/NatsServer.ts"
import { startPostgres } from "../deploy/local/PostgresServer.ts"
import { restartable } from "../deploy/local/Restartable.ts"
import { serviceNames, serviceProcess } from "../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { sinkProcess, standInProcess } from "./StandInProcess.ts"
import { cpuOf, memoryOf, peakMemoryOf } from "./Usage.ts"

export interface Settings {
  /** The binary. */
  readonly natsServer: string
  /** Messages, where a measurement lets itself be told. */
  readonly count: number | undefined
  /** With the sizes that take minutes. */
  readonly full: boolean
  /** Where CPU profiles go. */
  readonly profile: string | undefined
}

export interface Options {
  /** Of those that scale by replicas: a sender has one active gateway. */
  readonly replicas?: number
  /** For every service, beside what they need. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Whose CPU is told apart. */
export type Part = (typeof serviceNames)[number] | "nats-server" | "Postgres"
export const parts: ReadonlyArray<Part> = [...serviceNames, "nats-server", "Postgres"]
export type PerPart = Readonly<Record<Part, number>>

/** Telemetry is on: every span is exported to a sink. Rate limits are out of the way. Nothing is started of the services. */
export const world = Effect.fnUntraced(function* (settings: Settings, options: Options = {}) {
  const folder = yield* temporaryFolder("bench")
  const [natsPort, postgresPort] = [yield* freePort, yield* freePort]
  let databaseUrl = ""
  const nats = yield* restartable(
    startNatsServer({ binary: settings.natsServer, port: natsPort, storeDir: join(folder, "nats") })
  )
  const postgres = yield* restartable(
    Effect.tap(startPostgres({ dataDir: join(folder, "postgres"), port: postgresPort, database: "bench" }), ({ url }) =>
      Effect.sync(() => {
        databaseUrl = url
      })
    )
  )
  yield* Effect.all([nats.start, postgres.start], { concurrency: "unbounded" })
  const standIn = yield* standInProcess
  const natsUrl = `nats://127.0.0.1:${natsPort}`
  const environment = {
    NATS_URL: natsUrl,
    DATABASE_URL: databaseUrl,
    TELEGRAM_BOT_TOKEN: "1:bench",
    TELEGRAM_API_ROOT: standIn.apiRoot,
    TELEGRAM_UPDATES: "off",
    TELEGRAM_MESSAGES_PER_SECOND: "0",
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0",
    TELEGRAM_GROUP_MESSAGES_PER_MINUTE: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: yield* sinkProcess,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    LOG_LEVEL: "Warn",
    ...(settings.profile === undefined
      ? {}
      : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(settings.profile)}` }),
    ...options.environment
  }
  const copies = (name: ServiceName) => (name === "telegram-gateway" ? 1 : (options.replicas ?? 1))
  const services = yield* Effect.forEach(
    serviceNames.flatMap((name) => Array.from({ length: copies(name) }, () => name)),
    (name) => Effect.map(serviceProcess(name, environment), (process) => ({ name, process }))
  )
  const pidsOf = (part: Part): ReadonlyArray<number> => {
    if (part === "nats-server") return [nats.pid() ?? 0]
    if (part === "Postgres") return [postgres.pid() ?? 0]
    return services.flatMap(({ name, process }) => (name === part ? [process.pid() ?? 0] : []))
  }
  const perPart = (figure: (pids: ReadonlyArray<number>) => number) =>
    Object.fromEntries(parts.map((part) => [part, figure(pidsOf(part))])) as unknown as PerPart

  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: natsUrl, maxReconnectAttempts: -1 })),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => new pg.Pool({ connectionString: databaseUrl, max: 2 })),
    (pool) => Effect.promise(() => pool.end())
  )
  // A server that is restarted breaks connections that wait.
  pool.on("error", () => {})

  return {
    settings,
    environment,
    natsUrl,
    connection,
    manager,
    nats,
    postgres,
    standIn,
    start: Effect.forEach(services, ({ process }) => process.start, { concurrency: "unbounded", discard: true }),
    stop: Effect.forEach(services, ({ process }) => process.stop, { concurrency: "unbounded", discard: true }),
    urlsOf: (part: Part) => services.flatMap(({ name, process }) => (name === part ? [process.url] : [])),
    /** Microseconds so far. */
    cpu: () => perPart((pids) => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)),
    /** Of the largest process of each, in MB: of a service the most it ever had, of a server what it has now. */
    memory: () => ({
      ...perPart((pids) => Math.max(...pids.map(peakMemoryOf))),
      "nats-server": memoryOf(nats.pid() ?? 0),
      Postgres: memoryOf(postgres.pid() ?? 0)
    }),
    /** Messages that a stream holds. */
    stored: (stream: string) => Effect.promise(async () => (await manager.streams.info(stream)).state.messages),
    /** Messages that a stream has ever held. */
    published: (stream: string) => Effect.promise(async () => (await manager.streams.info(stream)).state.last_seq),
    /** Messages with that status, of those that are due within an interval of milliseconds. */
    rows: (status: string, from: number, to = from) =>
      Effect.promise(async () => {
        const { rows } = await pool.query<{ readonly n: string }>(
          "SELECT count(*) AS n FROM carillon.scheduled_messages WHERE status = $1 AND due_at BETWEEN $2 AND $3",
          [status, new Date(from), new Date(to)]
        )
        return Number(rows[0]?.n)
      })
  }
})
export type World = Effect.Success<ReturnType<typeof world>>

/** Looks until it is so, and answers when that was, in milliseconds since the epoch. Ends with a defect if it takes too long. */
export const until = <E, R>(
  what: string,
  look: Effect.Effect<number, E, R>,
  enough: number,
  within = 300,
  everyMillis = 20
) => {
  let last = 0
  return look.pipe(
    Effect.tap((found) =>
      Effect.sync(() => {
        last = found
      })
    ),
    Effect.repeat({ schedule: Schedule.spaced(everyMillis), until: (found) => found >= enough }),
    Effect.timeoutOrElse({
      duration: `${within} seconds`,
      orElse: () => Effect.die(new Error(`${what}: ${last} of ${enough} after ${within} s`))
    }),
    Effect.andThen(Effect.sync(() => Date.now()))
  )
}
