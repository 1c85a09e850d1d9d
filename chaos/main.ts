// npm run chaos: many messages through the real services while processes are killed and the platform misbehaves; the
// promises are held against what was seen from outside. A run that fails prints its seed.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Console, Effect } from "effect"
import { loggerLayer } from "#shared/service/Logs.ts"
import { runMain } from "#shared/service/RunService.ts"
import { home } from "../deploy/local/LocalServers.ts"
import { locateNatsServer } from "../deploy/local/NatsServerBinary.ts"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { planOf } from "./Plan.ts"
import { findings } from "./Promises.ts"
import { reportOf } from "./Report.ts"
import { run } from "./Run.ts"

const usage = `npm run chaos -- [--seed N] [--messages 300] [--seconds 30] [--runs 1] [--json]
  --seed N      the plan to run again; a new one if left out
  --messages N  how many messages a run has
  --seconds N   how long faults go on in a run; its end is waited for
  --runs N      so many runs, each with the next seed
  --json        the reports as JSON lines
  --keep        leaves the log lines of a failed run in the current folder`

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
    messages: { type: "string", default: "300" },
    seconds: { type: "string", default: "30" },
    runs: { type: "string", default: "1" },
    json: { type: "boolean" },
    keep: { type: "boolean" },
    help: { type: "boolean" }
  }
})
const [seed, messages, seconds, runs] = [values.seed, values.messages, values.seconds, values.runs].map(Number) as [
  number,
  number,
  number,
  number
]
if (values.help || ![seed, messages, seconds, runs].every((n) => Number.isInteger(n) && n >= 0)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const one = Effect.fnUntraced(function* (seed: number) {
  const natsServer = yield* locateNatsServer({ cacheDir: join(home, "bin") })
  const ran = yield* run(planOf(seed, { messages, seconds }), yield* temporaryFolder("chaos"), natsServer)
  const found = findings(ran)
  const report = reportOf(ran, found)
  yield* Console.log(values.json ? JSON.stringify(report.figures) : report.text)
  if (found.length > 0 && values.keep) writeFileSync(`chaos-${seed}.log`, ran.evidence.log)
  return found.length
}, Effect.scoped)

const chaos = Effect.gen(function* () {
  let broken = 0
  for (let n = 0; n < runs; n++) broken += yield* one(seed + n)
  if (broken > 0) process.exitCode = 1
})

runMain(chaos.pipe(Effect.provide(loggerLayer)))
