// npm run bench: how fast the real services are on this machine, beside what the machine gives without them.
import { cpus, totalmem } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Cause, Console, Effect, type Scope } from "effect"
import { loggerLayer } from "#shared/service/Logs.ts"
import { runMain } from "#shared/service/RunService.ts"
import { home } from "../deploy/local/Home.ts"
import { locateNatsServer } from "../deploy/local/NatsServerBinary.ts"
import { measureAccept } from "./Accept.ts"
import { measureBurst } from "./Burst.ts"
import { measureGrowth } from "./Growth.ts"
import { measureLedger } from "./LedgerAlone.ts"
import { measureOnTime } from "./OnTime.ts"
import { measurePending } from "./Pending.ts"
import { measureReplicas } from "./Replicas.ts"
import { measureSize } from "./Size.ts"
import { type Row, table } from "./Table.ts"
import { measureTelemetry } from "./Telemetry.ts"
import type { Settings } from "./World.ts"

const measurements = {
  burst: measureBurst,
  "on-time": measureOnTime,
  accept: measureAccept,
  pending: measurePending,
  ledger: measureLedger,
  telemetry: measureTelemetry,
  growth: measureGrowth,
  replicas: measureReplicas,
  size: measureSize
}
type Name = keyof typeof measurements
const names = Object.keys(measurements) as ReadonlyArray<Name>

const usage = `npm run bench -- [${names.join("] [")}] [--count N] [--full] [--profile DIR] [--json]
  names          what to measure; everything if none is named
  --count N      how many messages, of growth the most, instead of what each takes
  --full         a million pending, and growth up to a million: many minutes more
  --profile DIR  writes a CPU profile of each service there, for a profile viewer; it slows them
  --json         the figures as JSON`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string" },
    full: { type: "boolean", default: false },
    profile: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean" }
  }
})
const count = values.count === undefined ? undefined : Number(values.count)
const chosen = positionals.length === 0 ? names : names.filter((name) => positionals.includes(name))
const wrong = count !== undefined && !(Number.isInteger(count) && count > 0)
if (values.help || wrong || positionals.some((name) => !names.includes(name as Name))) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

/** What fails is told, and the others go on. */
const measured = (name: Name, settings: Settings): Effect.Effect<ReadonlyArray<Row>> =>
  Effect.scoped<ReadonlyArray<Row>, unknown, Scope.Scope>(measurements[name](settings)).pipe(
    Effect.timeout(settings.full ? "60 minutes" : "10 minutes"),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      process.exitCode = 1
      return Effect.as(Effect.logError(`${name} was not measured: ${Cause.pretty(cause)}`), [])
    })
  )

const bench = Effect.gen(function* () {
  const settings = {
    natsServer: yield* locateNatsServer({ cacheDir: join(home, "bin") }),
    count,
    full: values.full,
    profile: values.profile
  }
  const rows: Array<Row> = []
  const begun = Date.now()
  for (const name of chosen) {
    yield* Effect.logInfo(`measuring ${name}`)
    rows.push(...(yield* measured(name, settings)))
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
  const date = new Date(begun).toISOString().slice(0, 10)
  const seconds = Math.round((Date.now() - begun) / 1_000)
  yield* Console.log(
    values.json
      ? JSON.stringify({ machine, date, seconds, rows })
      : `\n${machine}, ${date}, in ${seconds} s:\n\n${table(rows)}`
  )
})

runMain(bench.pipe(Effect.provide(loggerLayer)))
