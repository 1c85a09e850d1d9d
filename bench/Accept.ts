// Accepting: how fast commands become events in the log: to schedule, from a plain publisher and by `carillon import`, and
// to cancel.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { join } from "node:path"
import { finished } from "node:stream/promises"
import { Effect } from "effect"
import { temporaryFolder } from "../deploy/local/TemporaryFolder.ts"
import { warmUpWell } from "./Burst.ts"
import { brokerFloors } from "./Floors.ts"
import { commandOf, publishOneByOne, scheduleSubject } from "./Publish.ts"
import { atLeast, type Row } from "./Table.ts"
import { type Settings, until, type World, world } from "./World.ts"

const root = join(import.meta.dirname, "..")

/** Not due while we look. */
const payload = (name: string) => {
  const due = Date.now() + 86_400_000
  return (index: number) => commandOf({ id: `${name}-${index}`, chat: 1_000_000 + index, due })
}

/** Of those that the plain publisher scheduled. */
const cancelOf = (index: number) => JSON.stringify({ id: `plain-${index}` })

/** Commands a second, from the first that is stored until the last has its event. */
const rate = (of: World, count: number, publish: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const [events, commands] = [yield* of.stored("EVENTS"), yield* of.published("COMMANDS")]
    const begun = until("published", of.published("COMMANDS"), commands + 1, 60, 5)
    const done = until("accepted", of.stored("EVENTS"), events + count)
    const [from, to] = yield* Effect.all([begun, done, publish], { concurrency: "unbounded" })
    return (count / (to - from)) * 1_000
  })

const imported = ({ natsUrl }: World, file: string) =>
  Effect.promise(async () => {
    const child = spawn(process.execPath, ["cli/main.ts", "import", file], {
      cwd: root,
      env: { PATH: process.env.PATH, NATS_URL: natsUrl },
      stdio: ["ignore", "ignore", "pipe"]
    })
    const said: Array<Buffer> = []
    child.stderr.on("data", (piece) => said.push(piece))
    const [code] = await once(child, "close")
    if (code !== 0) throw new Error(`carillon import ended with ${code}: ${Buffer.concat(said)}`)
  })

const written = (file: string, count: number, line: (index: number) => string) =>
  Effect.promise(async () => {
    const out = createWriteStream(file)
    for (let index = 0; index < count; index++) if (!out.write(`${line(index)}\n`)) await once(out, "drain")
    await finished(out.end())
  })

export const measureAccept = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? 30_000
  const of = yield* world(settings)
  const file = join(yield* temporaryFolder("import"), "reminders.ndjson")
  yield* written(file, count, payload("imported"))
  yield* Effect.logInfo("bare clients")
  const { publish, batches } = yield* brokerFloors(of, count)
  yield* of.start
  yield* warmUpWell(of)
  yield* Effect.logInfo(`${count} commands from a plain publisher`)
  const load = { subject: scheduleSubject, count, payload: payload("plain") }
  const plainly = yield* rate(
    of,
    count,
    Effect.promise(() => publishOneByOne(of.connection, load))
  )
  yield* Effect.logInfo("as many by carillon import")
  const byImport = yield* rate(of, count, imported(of, file))
  yield* Effect.logInfo("as many commands to cancel")
  const cancels = { subject: "carillon.command.cancel", count, payload: cancelOf }
  const cancelled = yield* rate(
    of,
    count,
    Effect.promise(() => publishOneByOne(of.connection, cancels))
  )
  yield* of.stop
  return [
    {
      what: "commands accepted, from a plain publisher",
      measured: plainly,
      unit: "/s",
      floor: { what: "bare publish", value: publish.rate },
      target: atLeast(plainly, 10_000, "/s")
    },
    {
      what: "commands accepted, by `carillon import`, its start left out",
      measured: byImport,
      unit: "/s",
      floor: { what: "bare publish in batches of 500", value: batches.rate },
      target: atLeast(byImport, 20_000, "/s")
    },
    {
      what: "waiting messages cancelled, from a plain publisher",
      measured: cancelled,
      unit: "/s",
      floor: { what: "bare publish", value: publish.rate }
    }
  ] satisfies ReadonlyArray<Row>
})
