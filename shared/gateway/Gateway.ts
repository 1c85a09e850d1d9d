// What every gateway does: for each of its senders it stands by until no other replica is active, and then sends.
import { Config, Effect } from "effect"
import { persistently } from "#shared/nats/Persistently.ts"
import { provision } from "#shared/nats/Provision.ts"
import { gatewayConsumers } from "#shared/nats/Topology.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { type Policy, sendWhileActive } from "./ActiveSender.ts"
import { contactsOf } from "./Contacts.ts"
import { serveUpdates } from "./Doorway.ts"
import { leaseOf } from "./Lease.ts"
import type { GatewayDefinition, SenderDefinition } from "./Platform.ts"
import type { Hearer } from "./Updates.ts"

const seconds = (name: string, byDefault: number) =>
  Config.Number(name).pipe(
    Config.withDefault(byDefault),
    Config.map((value) => value * 1_000)
  )

const policy: Config.Config<Policy> = Config.all({
  circuit: Config.all({
    failures: Config.Int("CIRCUIT_FAILURES").pipe(Config.withDefault(10)),
    firstWait: seconds("CIRCUIT_FIRST_WAIT_SECONDS", 10),
    longestWait: seconds("CIRCUIT_LONGEST_WAIT_SECONDS", 300)
  }),
  graceSeconds: Config.Int("SHUTDOWN_GRACE_SECONDS").pipe(Config.withDefault(50))
})

export const runGateway = Effect.fnUntraced(function* (gateway: GatewayDefinition) {
  const configured = yield* policy
  const readiness = yield* Readiness
  yield* provision(gateway.senders.flatMap(({ name }) => gatewayConsumers(gateway.platform, name)))
  const hearers = yield* Effect.forEach(gateway.senders, (sender) => openDoor(gateway, sender), {
    concurrency: "unbounded"
  })
  // Only now: who is told that we are ready finds every door open.
  yield* readiness.begun
  yield* Effect.forEach(
    gateway.senders,
    (sender, index) => runSender(gateway, sender, hearers[index] as Hearer, configured),
    {
      concurrency: "unbounded",
      discard: true
    }
  )
}, Effect.scoped)

const openDoor = Effect.fnUntraced(function* (
  { platform }: GatewayDefinition,
  { name, inbound, obeysOptOut = false }: SenderDefinition
) {
  const contacts = yield* persistently(contactsOf(platform, name))
  const hearer: Hearer = { platform, sender: name, contacts, obeysOptOut }
  if (inbound) yield* serveUpdates(hearer, inbound)
  return hearer
})

const runSender = (gateway: GatewayDefinition, sender: SenderDefinition, hearer: Hearer, configured: Policy) =>
  Effect.gen(function* () {
    const lease = yield* leaseOf(gateway.platform, sender.name)
    yield* Effect.logInfo(`${sender.name}: active`)
    yield* sendWhileActive(gateway, sender, hearer, lease, configured)
    yield* Effect.logWarning(`${sender.name}: no longer active`)
  }).pipe(Effect.scoped, Effect.forever)
