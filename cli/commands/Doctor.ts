// carillon doctor: is everything there, and as it should be; and if not, what to do.
import { Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import {
  durables,
  filesState,
  type StreamState,
  schedulers,
  serverVersion,
  shortcomings,
  storage,
  streamState
} from "#shared/nats/layout/Inspect.ts"
import { replicasSetting, tooFewReplicas } from "#shared/nats/layout/Replicas.ts"
import { fixedConsumers, isOfService, laneOf, type StreamName, streams } from "#shared/nats/layout/Topology.ts"
import { inWords, platformRules } from "#shared/platforms/Platforms.ts"
import { bad, doubtful, good } from "#shared/service/Findings.ts"
import { misspeltHere } from "#shared/service/Misspelt.ts"
import { anyGiven } from "#shared/service/Settings.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { Bots } from "../../services/telegram-gateway/BotApi.ts"
import { botToken, botTokens } from "../../services/telegram-gateway/BotTokens.ts"
import { secrets, webhookSecret, webhookSecrets } from "../../services/webhook-gateway/WebhookSecrets.ts"
import { jsonFlag } from "../input/Flags.ts"
import { tellFindings } from "../output/Findings.ts"
import { size } from "../output/Print.ts"
import { serversLayer } from "../Servers.ts"

const checkStream = Effect.fnUntraced(function* (name: StreamName) {
  const check = `stream ${name}`
  const state = yield* streamState(name)
  if (!state) return bad(check, "is missing: start any service once, or see STREAMS_MANAGE")
  const wrong = shortcomings(name, state)
  return wrong.length > 0
    ? bad(check, wrong.join("; "))
    : yield* checkCopies(check, state, `${state.messages} messages`)
})

const checkCopies = Effect.fnUntraced(function* (check: string, { config, copiesBehind }: StreamState, well: string) {
  const { connection } = yield* Nats
  const few = tooFewReplicas(config.num_replicas, yield* replicasSetting, connection.info?.cluster)
  if (few !== undefined) return doubtful(check, `${well}, ${few}`)
  if (copiesBehind > 0)
    return doubtful(check, `${well}, ${copiesBehind} of ${config.num_replicas} copies not up to date`)
  return good(check, well)
})

/** Of gateways a stand-by reads nothing, and an active one reads three lanes for each sender. */
const checkConsumers = Effect.map(durables, (found) => [
  ...fixedConsumers
    .filter(({ durable }) => !found.some((one) => one.durable === durable))
    .map(({ stream, durable }) => bad(`consumer ${stream}/${durable}`, "is missing: start its service once")),
  ...found.map(({ stream, durable, state }) => {
    const check = `consumer ${stream}/${durable}`
    if (state.copiesBehind > 0) return doubtful(check, `${state.copiesBehind} copies are not up to date`)
    if (state.read || state.inHand > 0) return good(check, "is read")
    return isOfService(durable)
      ? bad(check, "nobody reads it: start its service")
      : good(check, `of another system, which has ${state.waiting} to read`)
  }),
  ...(found.some(({ durable }) => laneOf(durable))
    ? []
    : [bad("gateway", "none has ever run: npm run telegram-gateway, or npm run webhook-gateway")])
])

const checkStorage = Effect.map(storage, ({ limit, used }) => {
  const share = limit === 0 ? 0 : used / limit
  const said = `${size(used)}${limit === 0 ? "" : ` of ${size(limit)}, ${Math.round(share * 100)} %`}`
  if (share > 0.8)
    return bad("storage", `${said}: NATS will soon store nothing more. See the runbook CarillonStorageNearLimit`)
  if (limit > 0) return good("storage", said)
  return doubtful(
    "storage",
    `${said}, and no limit: nothing warns before NATS's disk is full. Give its account one below the disk's size (\`carillon nats users --storage 40G\`)`
  )
})

const checkNats = Effect.gen(function* () {
  const found = [good("NATS", `nats-server ${yield* serverVersion}`)]
  found.push(...(yield* Effect.forEach(Object.keys(streams) as ReadonlyArray<StreamName>, checkStream)))
  const files = yield* filesState
  found.push(
    files
      ? yield* checkCopies("object store", files, `${size(files.bytes)} of files for messages`)
      : bad("object store", "carillon-files is missing: start any service once, or see STREAMS_MANAGE")
  )
  found.push(yield* checkStorage)
  found.push(...(yield* checkConsumers))
  const count = yield* schedulers
  found.push(count > 0 ? good("scheduler", `${count} answering`) : bad("scheduler", "none answers: npm run scheduler"))
  const aside = yield* streamState("QUARANTINE")
  if (aside && aside.messages > 0) found.push(bad("quarantine", `${aside.messages} messages that nobody could process`))
  return found
}).pipe(
  Effect.provide(serversLayer),
  Effect.catchTags({
    NatsError: (error) => Effect.succeed([bad("NATS", `${error.message}. Start it, or set NATS_URL`)]),
    UnusableNats: (error) => Effect.succeed([bad("NATS", error.message)])
  })
)

const checkLedger = Effect.gen(function* () {
  const { position } = yield* Reader
  const at = yield* position
  const log = yield* Effect.orElseSucceed(Effect.provide(streamState("EVENTS"), serversLayer), () => undefined)
  const behind = Option.map(at, ({ sequence }) => (log?.lastSequence ?? sequence) - sequence)
  const ledger = Option.match(behind, {
    onNone: () => bad("ledger", "has not begun: npm run ledger"),
    onSome: (count) =>
      count > 1_000 ? bad("ledger", `${count} events behind`) : good("ledger", `${count} events behind`)
  })
  return [good("Postgres", "answers"), ledger]
}).pipe(
  Effect.provide(Layer.provide(Reader.layer, serversLayer)),
  Effect.catch((error) =>
    Effect.succeed([bad("Postgres", `${error.message}. Check DATABASE_URL, and that a ledger has run`)])
  )
)

const checkToken = Effect.gen(function* () {
  if (!(yield* anyGiven(botToken, botTokens))) return [good("Telegram", "no TELEGRAM_BOT_TOKEN here: not checked")]
  return yield* Effect.gen(function* () {
    const bots = yield* Bots
    return yield* Effect.forEach(bots, ([sender, { getMe }]) =>
      Effect.match(getMe, {
        onSuccess: ({ username }) => good(`Telegram ${sender}`, `the token is that of @${username}`),
        onFailure: (error) => bad(`Telegram ${sender}`, error.message)
      })
    )
  }).pipe(
    Effect.provide(Bots.layer),
    Effect.timeout("20 seconds"),
    Effect.catch((error) => Effect.succeed([bad("Telegram", error.message)]))
  )
})

/** A receiver is known only when a message is posted to it. */
const checkSecrets = Effect.gen(function* () {
  if (!(yield* anyGiven(webhookSecret, webhookSecrets))) return [good("webhook", "no WEBHOOK_SECRET here: not checked")]
  return yield* Effect.match(secrets, {
    onSuccess: (found) => [...found.keys()].map((sender) => good(`webhook ${sender}`, "has a secret to sign with")),
    onFailure: (error) => [bad("webhook", error.message)]
  })
})

const checkNames = Effect.map(misspeltHere, (found) => found.map((line) => bad("settings", line)))

const capabilities = platforms.map((name) => good(`platform ${name}`, inWords(platformRules[name])))

export const doctorCommand = Command.make(
  "doctor",
  { json: jsonFlag },
  Effect.fnUntraced(function* ({ json }) {
    const findings = [
      ...(yield* checkNats),
      ...(yield* checkLedger),
      ...(yield* checkToken),
      ...(yield* checkSecrets),
      ...(yield* checkNames),
      ...capabilities
    ]
    yield* tellFindings(findings, json)
  })
).pipe(
  Command.withDescription(
    "Check NATS, streams, services, Postgres, token and secrets; exit code 4 if something is wrong"
  )
)
