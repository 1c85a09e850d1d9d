// npm run bench: how fast the real services are on this machine, beside what the machine gives without them.
import { cpus } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { Console, Effect } from "effect"
import { loggerLayer } from "#shared/service/Logs.ts"
import { runMain } from "#shared/service/RunService.ts"
import { home } from "../deploy/local/LocalServers.ts"
import { startNatsServer } from "../deploy/local/NatsServer.ts"
import { locateNatsServer } from "../deploy/local/NatsServerBinary.ts"
import { startPostgres } from "../deploy/local/PostgresServer.ts"
import { serviceNames, serviceProcess } from "../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { burst } from "./Burst.ts"
import { floors } from "./Floors.ts"
import { standInProcess } from "./StandInProcess.ts"
import { telemetryCost } from "./TelemetryCost.ts"

const usage = `npm run bench -- [--count 5000] [--telemetry] [--profile DIR] [--json]
  --count N      messages in the burst (default 5000)
  --telemetry    also what telemetry costs: three more bursts, with all, a tenth and none of the spans exported
  --profile DIR  writes a CPU profile of each service there, for a profile viewer; it slows them
  --json         the figures as JSON`

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "5000" },
    json: { type: "boolean" },
    telemetry: { type: "boolean" },
    profile: { type: "string" },
    help: { type: "boolean" }
  }
})
const count = Number(values.count)
if (values.help || !Number.isInteger(count) || count < 1) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const whole = (n: number) => Math.round(n).toLocaleString("en")

const bench = Effect.gen(function* () {
  const data = yield* temporaryFolder("bench")
  const binary = yield* locateNatsServer({ cacheDir: join(home, "bin") })
  const nats = yield* startNatsServer({ binary, port: 0, storeDir: join(data, "nats") })
  const postgres = yield* startPostgres({ dataDir: join(data, "postgres"), port: 0, database: "bench" })
  const standIn = yield* standInProcess
  yield* Effect.logInfo("measuring the floors")
  const floor = yield* floors(nats.url, standIn.apiRoot, count)
  yield* standIn.reset
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: postgres.url,
    TELEGRAM_BOT_TOKEN: "1:bench",
    TELEGRAM_API_ROOT: standIn.apiRoot,
    TELEGRAM_UPDATES: "off",
    TELEGRAM_MESSAGES_PER_SECOND: "0",
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0",
    TELEGRAM_GROUP_MESSAGES_PER_MINUTE: "0",
    LOG_LEVEL: "Warn",
    ...(values.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(values.profile)}` })
  }
  const services = yield* Effect.forEach(serviceNames, (name) => serviceProcess(name, environment))
  yield* Effect.forEach(services, (service) => service.start, { concurrency: "unbounded" })
  yield* Effect.logInfo(`a burst of ${whole(count)}`)
  const servers = { natsUrl: nats.url, databaseUrl: postgres.url, arrivals: standIn.arrivals }
  const result = yield* burst(servers, count)
  yield* Effect.forEach(services, (service) => service.stop, { concurrency: "unbounded" })

  const costs = values.telemetry
    ? yield* telemetryCost({ ...servers, reset: standIn.reset }, environment, count)
    : undefined

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`
  if (values.json) return yield* Console.log(JSON.stringify({ machine, floor, burst: result, telemetry: costs }))
  const row = (what: string, figure: number, floorName: string, floorFigure: number) =>
    `| ${what} | ${whole(figure)}/s | ${floorName}: ${whole(floorFigure)}/s | ${Math.round((figure / floorFigure) * 100)} % |`
  yield* Console.log(
    [
      "",
      machine,
      "",
      `| burst of ${whole(count)} due at one instant | measured | floor, same run | ratio |`,
      "|---|---|---|---|",
      row("accepted and recorded as pending", result.accepted, "bare JetStream publish", floor.publish),
      row("arrived at the stand-in", result.arrived, "bare HTTP loop, the gateway's transport", floor.http),
      row("recorded as sent", result.recorded, "bare JetStream consume", floor.consume),
      "",
      `The first arrived ${result.firstLateness.toFixed(1)} ms after the due instant; none before it.`,
      ...(costs
        ? [
            "",
            "| spans exported | CPU of the four services, a message |",
            "|---|---|",
            ...costs.map(({ mode, cpuPerMessage }) => `| ${mode} | ${Math.round(cpuPerMessage)} µs |`)
          ]
        : [])
    ].join("\n")
  )
})

runMain(bench.pipe(Effect.scoped, Effect.provide(loggerLayer)))
