// npm run chaos: many messages through the real services while everything they need is struck; the promises are held
// against what was seen from outside. A run that fails prints its seed.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Console, Effect } from "effect"
import { loggerLayer } from "#shared/service/Logs.ts"
import { runMain } from "#shared/service/RunService.ts"
import { home } from "../deploy/local/Home.ts"
import { locateNatsServer } from "../deploy/local/NatsServerBinary.ts"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { planOf } from "./plan/Plan.ts"
import { findings } from "./promises/Promises.ts"
import { type Figures, reportOf } from "./Report.ts"
import { run } from "./Run.ts"
import { summaryOf } from "./Summary.ts"

const usage = `npm run chaos -- [--seed N] [--messages 300] [--seconds 30] [--runs 1 | --minutes N] [--json]
  --seed N       the plan to run again; a new one if left out
  --messages N   how many messages a run has
  --seconds N    how long faults go on in a run; its end is waited for
  --world NAME   single (one nats-server) or cluster (three); the seed decides if left out
  --cluster      the same as --world cluster
  --runs N       so many runs, each with the next seed
  --minutes N    runs one after the other until the time is over
  --report FILE  what happened in all of them, as Markdown
  --json         the reports as JSON lines
  --keep         leaves the log lines and the events of each run in the current folder`

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
    messages: { type: "string", default: "300" },
    seconds: { type: "string", default: "30" },
    world: { type: "string" },
    cluster: { type: "boolean" },
    runs: { type: "string", default: "1" },
    minutes: { type: "string", default: "0" },
    report: { type: "string" },
    json: { type: "boolean" },
    keep: { type: "boolean" },
    help: { type: "boolean" }
  }
})
const number = (name: "seed" | "messages" | "seconds" | "runs" | "minutes") => Number(values[name])
const [seed, size, runs] = [
  number("seed"),
  { messages: number("messages"), seconds: number("seconds") },
  number("runs")
]
const world = values.cluster ? "cluster" : values.world
const until = Date.now() + number("minutes") * 60_000
const isWorld = (name: string | undefined) => name === undefined || name === "single" || name === "cluster"
const numbers = [seed, size.messages, size.seconds, runs, number("minutes")]
if (values.help || !isWorld(world) || !numbers.every((n) => Number.isInteger(n) && n >= 0)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const one = Effect.fnUntraced(function* (seed: number) {
  const natsServer = yield* locateNatsServer({ cacheDir: join(home, "bin") })
  const ran = yield* run(planOf(seed, size, world as "single"), yield* temporaryFolder("chaos"), natsServer)
  const report = reportOf(ran, findings(ran))
  yield* Console.log(values.json ? JSON.stringify(report.figures) : report.text)
  if (values.keep) {
    writeFileSync(`chaos-${seed}.log`, ran.evidence.log)
    writeFileSync(`chaos-${seed}.events.json`, JSON.stringify(ran.evidence.events, undefined, 1))
  }
  return report.figures
}, Effect.scoped)

const chaos = Effect.gen(function* () {
  const all: Array<Figures> = []
  const began = new Date()
  for (let n = 0; number("minutes") > 0 ? Date.now() < until : n < runs; n++) {
    all.push(yield* one(seed + n))
    // After each: what was seen is not lost if this is stopped.
    if (values.report) writeFileSync(values.report, summaryOf(all, began, new Date()))
  }
  if (all.some((figures) => figures.findings.length > 0)) process.exitCode = 1
})

runMain(chaos.pipe(Effect.provide(loggerLayer)))
