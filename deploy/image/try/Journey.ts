// Every service of an image at work against a real nats-server and Postgres, until it is told to stop.
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ConfigProvider, Effect, Schedule } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { startBotApiStandIn } from "../../local/BotApiStandIn.ts"
import { freePort } from "../../local/LocalServer.ts"
import { startNatsServer } from "../../local/NatsServer.ts"
import { locateNatsServer } from "../../local/NatsServerBinary.ts"
import { startPostgres } from "../../local/PostgresServer.ts"
import { answersReady } from "../../local/ServiceProcess.ts"
import { temporaryFolder } from "../../local/TemporaryFolder.ts"
import { ImageFailure, place } from "./Buildah.ts"
import { type Contained, contained, type Image } from "./Container.ts"
import { demand, say } from "./Say.ts"

/** What the table bridge looks for. */
const outbox = ({ root }: Image, url: string) =>
  Effect.gen(function* () {
    const { query } = yield* Postgres
    yield* query(readFileSync(join(root, "app/deploy/postgres/outbox.sql"), "utf8"))
  }).pipe(
    Effect.provide(Postgres.layerWithoutWaiting),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ DATABASE_URL: url }))
  )

const ready = (name: string, port: number, one: Contained) =>
  answersReady(port).pipe(
    Effect.flatMap((ok) =>
      ok
        ? Effect.void
        : Effect.fail(one.running() ? "not yet" : new ImageFailure({ problem: `${name}: ${one.output()}` }))
    ),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), while: (error) => error === "not yet" }),
    Effect.timeout("60 seconds"),
    Effect.mapError(() => new ImageFailure({ problem: `${name} is not ready: ${one.output()}` }))
  )

/** Every service from the image, and one message through all of them. */
export const journey = Effect.fnUntraced(function* (image: Image) {
  const folder = yield* temporaryFolder("image")
  const binary = yield* locateNatsServer({ cacheDir: join(place, "../bin") })
  const nats = yield* startNatsServer({ binary, port: 0, storeDir: join(folder, "nats") })
  const postgres = yield* startPostgres({
    dataDir: join(folder, "postgres"),
    port: 0,
    database: "carillon",
    disposable: true
  })
  const phones = yield* startBotApiStandIn()
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: postgres.url,
    TELEGRAM_BOT_TOKEN: "1:image",
    TELEGRAM_API_ROOT: phones.apiRoot,
    WEBHOOK_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
    HTTP_HOST: "127.0.0.1"
  }
  const carillon = (...args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const one = yield* contained(image, ["carillon", ...args], { environment })
      return { code: yield* one.exit, output: one.output() }
    }).pipe(Effect.scoped)

  yield* outbox(image, postgres.url)
  const names = readdirSync(join(image.root, "app/services"))
  const services = yield* Effect.forEach(
    names,
    Effect.fnUntraced(function* (name) {
      const port = yield* freePort
      const service = yield* contained(image, [name], { environment: { ...environment, HTTP_PORT: String(port) } })
      yield* ready(name, port, service)
      yield* say(`ok: ${name} is ready`)
      return { name, service }
    }),
    { concurrency: 2 }
  )
  const scheduled = yield* carillon("schedule", "--id", "tried-1", "--to", "1", "--text", "It is time.", "--in", "0s")
  yield* demand(scheduled.code === 0, `carillon schedule: ${scheduled.output}`)
  yield* carillon("show", "tried-1").pipe(
    Effect.repeat({ schedule: Schedule.spaced("500 millis"), until: ({ output }) => /tried-1 {2}sent/.test(output) }),
    Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => new ImageFailure({ problem: "nothing was sent" }) })
  )
  yield* demand(phones.received.length === 1, `${phones.received.length} messages arrived`)
  yield* say("ok: a message went through all of them, and is recorded as sent")
  const doctor = yield* carillon("doctor")
  yield* demand(doctor.code === 0, `carillon doctor: ${doctor.output}`)
  yield* say("ok: carillon doctor finds nothing wrong")
  for (const { name, service } of services) {
    yield* service.signal("SIGTERM")
    const code = yield* service.exit
    yield* demand(code === 0, `${name} ended with ${code}: ${service.output()}`)
    yield* say(`ok: SIGTERM to process 1 ends ${name} with 0`)
  }
})
