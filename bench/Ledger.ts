// npm run bench:ledger: how fast the ledger projects the log, while events come and in a rebuild, beside plain inserts of
// the same rows.
import { cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { ConfigProvider, Console, Effect, Layer, Schedule } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { eventMessage, Publisher } from "#shared/nats/messages/Publisher.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { loggerLayer } from "#shared/service/Logs.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { runMain } from "#shared/service/RunService.ts"
import { home } from "../deploy/local/Home.ts"
import { startNatsServer } from "../deploy/local/NatsServer.ts"
import { locateNatsServer } from "../deploy/local/NatsServerBinary.ts"
import { startPostgres } from "../deploy/local/PostgresServer.ts"
import { serviceProcess } from "../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { migrate } from "../services/ledger/Migrations.ts"
import { rebuild } from "../services/ledger/rebuild/Rebuild.ts"
import { quantile, stageHistogram } from "./Histogram.ts"
import { history } from "./LedgerHistory.ts"
import { plainInserts } from "./PlainInserts.ts"
import { steadily } from "./Steadily.ts"
import { cpuOf } from "./Usage.ts"

const usage = `npm run bench:ledger -- [--count 50000] [--json]
  --count N   messages, four events each (default 50000)
  --json      the figures as JSON`

const { values } = parseArgs({
  options: { count: { type: "string", default: "50000" }, json: { type: "boolean" }, help: { type: "boolean" } }
})
const count = Number(values.count)
if (values.help || !Number.isInteger(count) || count < 1) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

/** The events of 2,000 messages a second. */
const steadyRate = 8_000

const whole = (n: number) => Math.round(n).toLocaleString("en")
const projectedUpTo = (position: number) =>
  Effect.gen(function* () {
    const { query } = yield* Postgres
    yield* query<{ readonly position: number }>("SELECT position FROM carillon.projection_checkpoints").pipe(
      Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: ([row]) => (row?.position ?? 0) >= position }),
      Effect.timeout("300 seconds")
    )
  })

interface Measured {
  /** Events a second. */
  readonly rate: number
  /** Microseconds of CPU an event: of whoever projects, and of Postgres. */
  readonly cpu: number
  readonly postgresCpu: number
}

/** `cpu`: of whoever does the work so far, in microseconds. */
const timed = <A, E, R>(events: number, postgresPid: number, cpu: () => number, work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = { at: performance.now(), cpu: cpu(), postgres: cpuOf(postgresPid) }
    yield* work
    return {
      rate: (events / (performance.now() - before.at)) * 1_000,
      cpu: (cpu() - before.cpu) / events,
      postgresCpu: (cpuOf(postgresPid) - before.postgres) / events
    } satisfies Measured
  })

const ownCpu = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

const bench = Effect.gen(function* () {
  const data = yield* temporaryFolder("bench")
  const binary = yield* locateNatsServer({ cacheDir: join(home, "bin") })
  const nats = yield* startNatsServer({ binary, port: 0, storeDir: join(data, "nats") })
  const postgres = yield* startPostgres({ dataDir: join(data, "postgres"), port: 0, database: "bench" })
  const environment = { NATS_URL: nats.url, DATABASE_URL: postgres.url, LOG_LEVEL: "Warn" }
  const layers = Layer.mergeAll(natsLayer("bench"), Postgres.layer).pipe(
    Layer.provideMerge(Readiness.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
  )
  const figures = yield* Effect.gen(function* () {
    const { publish } = yield* Publisher
    yield* provision([])
    const ledger = yield* serviceProcess("ledger", { ...environment, ...profiling })
    const events = history("first", count)
    const messages = events.map((event, index) => eventMessage(event, "bench", traceOf(index)))

    yield* ledger.start
    yield* Effect.logInfo(`${whole(steadyRate)} events a second, for ten seconds`)
    const steady = history("steady", steadyRate * 2.5).map((event) => eventMessage(event, "bench"))
    yield* steadily(steady, steadyRate)
    yield* projectedUpTo(steady.length)
    const waits = yield* stageHistogram([ledger.url], "projection")
    const lag = { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) }

    yield* Effect.logInfo(`${whole(events.length)} events, as they come`)
    const ledgerCpu = () => cpuOf(ledger.pid() ?? 0)
    const live = yield* timed(
      events.length,
      postgres.pid,
      ledgerCpu,
      Effect.andThen(publish(messages), projectedUpTo(steady.length + events.length))
    )
    yield* ledger.stop

    yield* Effect.logInfo("the same number that waited while no ledger ran")
    yield* publish(history("second", count).map((event, index) => eventMessage(event, "bench", traceOf(index))))
    yield* ledger.start
    const waited = yield* timed(
      events.length,
      postgres.pid,
      ledgerCpu,
      projectedUpTo(steady.length + 2 * events.length)
    )
    yield* ledger.stop

    yield* Effect.logInfo("a rebuild from all of them")
    const rebuilt = yield* timed(
      steady.length + 2 * events.length,
      postgres.pid,
      ownCpu,
      rebuild({ onProgress: () => Effect.void })
    )

    yield* Effect.logInfo("plain inserts of the rows that come of them")
    yield* migrate("carillon_rebuild")
    const floor = yield* timed(events.length, postgres.pid, ownCpu, plainInserts("carillon_rebuild", events))
    return { events: events.length, lag, live, waited, rebuilt, floor }
  }).pipe(Effect.provide(layers))

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`
  if (values.json) return yield* Console.log(JSON.stringify({ machine, ...figures }))
  const row = (what: string, { rate, cpu, postgresCpu }: Measured) =>
    `| ${what} | ${whole(rate)}/s | ${Math.round((rate / figures.floor.rate) * 100)} % | ${whole(cpu)} µs | ${whole(postgresCpu)} µs |`
  yield* Console.log(
    [
      "",
      machine,
      "",
      `| ${whole(figures.events)} events, four a message | events | of the floor | CPU an event | of Postgres |`,
      "|---|---|---|---|---|",
      row("as they come, the publisher on the same machine", figures.live),
      row("that waited while no ledger ran", figures.waited),
      row("in a rebuild of all of them", figures.rebuilt),
      row("the floor: plain inserts of the rows, same run", figures.floor),
      "",
      `From the log to the row at ${whole(steadyRate)} events a second: p50 ${figures.lag.p50?.toFixed(3)} s, p99 ${figures.lag.p99?.toFixed(3)} s`
    ].join("\n")
  )
})

/** Where to put CPU profiles of the ledger, for whoever makes it faster. */
const profiling = process.env.BENCH_PROFILE
  ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env.BENCH_PROFILE}` }
  : {}

/** A trace for each event, as in production. */
const traceOf = (index: number) => {
  const hex = (index + 1).toString(16)
  return { traceparent: `00-${hex.padStart(32, "0")}-${hex.padStart(16, "0")}-00` }
}

runMain(bench.pipe(Effect.scoped, Effect.provide(loggerLayer)))
