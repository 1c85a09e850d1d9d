// Marked secrets in everything that takes one: none shows in an argument or a line of any service or command, whether it
// works, is refused, finds nobody, or cannot read what it was given.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { databaseAt, testDatabase } from "../support/servers/TestDatabase.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"
import { outboxSql } from "../table-bridge/World.ts"
import { mark, type Seen, secrets, shows, watched } from "./Marked.ts"

const services = ["scheduler", "dispatcher", "telegram-gateway", "webhook-gateway", "ledger", "table-bridge"] as const
const service = (name: string) => [process.execPath, `services/${name}/main.ts`]

const commands = [
  "schedule --to 1 --text x --in 1h",
  "cancel x",
  "reschedule x --at 2031-01-01T00:00:00Z",
  "show x",
  "list",
  "stats",
  "watch",
  "import /dev/null --format csv",
  "files list",
  "pause telegram",
  "resume telegram",
  "drop telegram --later-than 5",
  "dead list",
  "resolve x --as sent",
  "rearm x",
  "link list",
  "series list",
  "queues",
  "doctor",
  "erase --message x",
  "rehearse --timeout 5",
  "ledger migrate",
  "ledger rebuild",
  "bridge status",
  "nats provision"
]

const clean = (what: string, { arguments: args, output }: Seen) => {
  assert.isAbove(args.length, 5, `${what}: its arguments were not seen`)
  assert.isFalse(shows(args), `a secret in the arguments of ${what}`)
  const at = output.search(mark)
  assert.isFalse(shows(output), `a secret in what ${what} says: ${output.slice(Math.max(0, at - 200), at + 40)}`)
}

const world = Effect.gen(function* () {
  const nats = yield* testNatsWith({ extra: [`authorization { user: "carillon", password: "${mark}" }`] })
  const database = yield* testDatabase
  const phones = yield* startBotApiStandIn()
  yield* database.query(outboxSql)
  const role = `marked_${process.pid}_${nats.port}`
  // It stays in the server of this test run, which goes away with all that is in it.
  yield* database.query(`create role ${role} login superuser password '${mark}'`)
  const url = new URL(database.url)
  url.username = role
  url.password = mark
  const telegram = { TELEGRAM_API_ROOT: phones.apiRoot, HTTP_PORT: "0", HTTP_HOST: "127.0.0.1" }
  const natsUser = { NATS_URL: nats.url, NATS_USER: "carillon" }
  yield* databaseAt(url.href)
  const wrong = new URL(url)
  wrong.password = `${mark}-wrong`
  return {
    works: { ...secrets, ...telegram, ...natsUser, NATS_PASSWORD: mark, DATABASE_URL: url.href },
    refused: { ...secrets, ...telegram, ...natsUser, NATS_PASSWORD: `${mark}-wrong`, DATABASE_URL: wrong.href },
    noDatabase: { ...secrets, ...telegram, ...natsUser, NATS_PASSWORD: mark, DATABASE_URL: wrong.href },
    nobody: {
      ...secrets,
      ...telegram,
      NATS_URL: `nats://carillon:${mark}@127.0.0.1:1`,
      DATABASE_URL: `postgres://carillon:${mark}@127.0.0.1:1/x`
    }
  }
})

describe("a secret", () => {
  it.live("shows nowhere when a service works, is refused, or finds nobody", () =>
    Effect.gen(function* () {
      const { nobody, noDatabase, refused, works } = yield* world
      for (const name of services) {
        const port = yield* freePort
        const ready = `http://127.0.0.1:${port}/readyz`
        clean(`${name} at work`, yield* watched(service(name), { ...works, HTTP_PORT: String(port) }, ready))
        const turnedAway = yield* watched(service(name), refused, /Authorization|authentication/i)
        assert.match(turnedAway.output, /Authorization|authentication/i, name)
        clean(`${name} refused`, turnedAway)
        clean(`${name} with nobody there`, yield* watched(service(name), nobody, /Waiting for NATS/))
      }
      for (const name of ["ledger", "table-bridge"]) {
        const said = yield* watched(service(name), noDatabase)
        assert.match(said.output, /authentication/, name)
        clean(`${name} refused by Postgres`, said)
      }
    })
  )

  it.live("shows nowhere when it cannot be read as what it should be", () =>
    Effect.gen(function* () {
      const { works } = yield* world
      const bad: ReadonlyArray<readonly [string, Record<string, string>]> = [
        ["telegram-gateway", { TELEGRAM_BOT_TOKEN: `${mark} is no token` }],
        ["telegram-gateway", { TELEGRAM_BOT_TOKENS: `north=${mark}` }],
        ["telegram-gateway", { TELEGRAM_UPDATES: "webhook", TELEGRAM_WEBHOOK_SECRET: `${mark}!` }],
        ["webhook-gateway", { WEBHOOK_SECRET: mark }],
        ["webhook-gateway", { WEBHOOK_SECRETS: `${mark}` }],
        ["ledger", { DATABASE_URL: `${mark} is no URL` }],
        ["ledger", { DATABASE_URL: `postgres://carillon:${mark}/x@127.0.0.1:1/x` }],
        ["dispatcher", { NATS_URL: `nats://carillon:${mark}@not a host:x` }],
        ["dispatcher", { NATS_TOKEN: mark }],
        ...[
          `nats://${mark}@127.0.0.1:1`,
          `NATS://carillon:${mark}@127.0.0.1:1`,
          `nats://carillon:${mark}/x@127.0.0.1:1`,
          `nats://carillon:${mark},x@127.0.0.1:1`,
          `nats://carillon:x@${mark}@127.0.0.1:1`
        ].map((url) => ["dispatcher", { NATS_URL: url, NATS_USER: "", NATS_PASSWORD: "" }] as const)
      ]
      for (const [name, environment] of bad) {
        const said = yield* watched(service(name), { ...works, ...environment }, /"level":"(fatal|error|warn)"/)
        assert.match(said.output, /"level":"(fatal|error|warn)"/, `${name} ${Object.keys(environment)}`)
        clean(`${name} with a bad ${Object.keys(environment)}`, said)
      }
    })
  )

  it.live("shows nowhere in what a command says", () =>
    Effect.gen(function* () {
      const { refused, works } = yield* world
      const run = (line: string, environment: Record<string, string>) =>
        Effect.map(
          watched(["./carillon", ...line.split(" ")], environment, line === "watch" ? /\w/ : "ended"),
          (said) => clean(line, said)
        )
      yield* Effect.forEach(commands, (line) => run(line, refused), { concurrency: 3, discard: true })
      for (const line of ["nats provision", "doctor", "queues", "bridge status"]) yield* run(line, works)
    })
  )
})
