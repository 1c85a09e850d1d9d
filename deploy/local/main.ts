// Carillon on one machine, by one command: servers where none are given, the four services, and a sample message.
import { ConfigProvider, Effect, Fiber, Layer } from "effect"
import { checkSettings } from "#shared/service/CheckSettings.ts"
import { serveHealth } from "#shared/service/Health.ts"
import { loggerLayer } from "#shared/service/Logs.ts"
import { warnOfMisspelt } from "#shared/service/Misspelt.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { Routes } from "#shared/service/Routes.ts"
import { runMain } from "#shared/service/RunService.ts"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { anyGiven } from "#shared/service/Settings.ts"
import { Telemetry } from "#shared/telemetry/Telemetry.ts"
import { dispatcher } from "../../services/dispatcher/main.ts"
import { ledger } from "../../services/ledger/main.ts"
import { scheduler } from "../../services/scheduler/main.ts"
import { telegramGateway } from "../../services/telegram-gateway/main.ts"
import { webhookGateway } from "../../services/webhook-gateway/main.ts"
import { webhookSecret, webhookSecrets } from "../../services/webhook-gateway/WebhookSecrets.ts"
import { home } from "./Home.ts"
import { acquireLock } from "./InstanceLock.ts"
import { localServers } from "./LocalServers.ts"
import { publishRunFile } from "./RunFile.ts"
import { showSample } from "./Sample.ts"

const named = <A, E, R>(service: string, program: Effect.Effect<A, E, R>) => Effect.annotateLogs(program, { service })

/** Only where there is a secret to sign with. */
const webhooks = Effect.flatMap(anyGiven(webhookSecret, webhookSecrets), (wanted) =>
  wanted ? webhookGateway : Effect.never
)

/** The ledger stops last, so that it records what the others still bring to an end. */
const services = Effect.gen(function* () {
  const recording = yield* Effect.forkScoped(named("ledger", ledger))
  const working = yield* Effect.forkScoped(
    Effect.all(
      [
        named("scheduler", scheduler),
        named("dispatcher", dispatcher),
        named("telegram-gateway", telegramGateway),
        named("webhook-gateway", webhooks)
      ],
      { concurrency: "unbounded" }
    )
  )
  // A service that ends, ends everything: what runs half is worse than what is started again.
  yield* Effect.raceFirst(Fiber.join(recording), Fiber.join(working))
})

const program = Effect.gen(function* () {
  yield* warnOfMisspelt
  yield* checkSettings
  yield* acquireLock(home)
  const servers = yield* localServers
  yield* publishRunFile(servers)
  const settings = ConfigProvider.layerAdd(ConfigProvider.fromUnknown(servers.settings), { asPrimary: true })
  yield* Effect.gen(function* () {
    yield* serveHealth(8080)
    yield* Effect.addFinalizer(() => Effect.logInfo("services stopped; the next start goes on from here"))
    const sample = Effect.andThen(showSample(servers), Effect.never)
    yield* Effect.raceFirst(Effect.raceFirst(services, servers.died), sample)
  }).pipe(Effect.provide(settings))
})

if (import.meta.main)
  runMain(
    program.pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(Readiness.layer, Routes.layer, Telemetry.layer("carillon"), loggerLayer)),
      Effect.provide(secretFiles)
    )
  )
