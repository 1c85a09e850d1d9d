// What every gateway does: for each of its senders it stands by until no other replica is active, and then sends.
import { Effect } from "effect"
import { errorCategories, type Platform } from "#shared/contract/fields/Fields.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { gatewayConsumers } from "#shared/nats/layout/Topology.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { fraction, seconds, setting, whole } from "#shared/service/Settings.ts"
import { type Counted, countFromZero } from "#shared/telemetry/Metrics.ts"
import type { GatewayDefinition, SenderDefinition } from "./Platform.ts"
import { contactsOf } from "./people/Contacts.ts"
import { serveUpdates } from "./people/Doorway.ts"
import type { Hearer } from "./people/Updates.ts"
import { type Policy, sendWhileActive } from "./sender/ActiveSender.ts"
import { leaseOf } from "./sender/Lease.ts"

const policy = Effect.all({
  circuit: Effect.all({
    failures: setting("CIRCUIT_FAILURES", whole(1, 1_000_000), {
      says: "Failures in a row that open the circuit; where the platform refuses the sender itself, it opens at once",
      byDefault: 10
    }),
    firstWait: seconds("CIRCUIT_FIRST_WAIT_SECONDS", fraction(0.01, 86_400), {
      says: "From the opening of the circuit to its first probe; twice as long each time",
      byDefault: 10
    }),
    longestWait: seconds("CIRCUIT_LONGEST_WAIT_SECONDS", fraction(0.01, 86_400), {
      says: "The longest wait between two probes of an open circuit",
      byDefault: 300
    })
  }),
  graceSeconds: setting("SHUTDOWN_GRACE_SECONDS", whole(0, 3_600), {
    says: "How long a stop waits for sends under way; whoever stops the service must give it longer",
    unit: "seconds",
    byDefault: 50
  })
}) satisfies Effect.Effect<Policy, unknown>

export const runGateway = Effect.fnUntraced(function* (gateway: GatewayDefinition) {
  yield* countFromZero(counted(gateway.platform))
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

const counted = (platform: Platform): ReadonlyArray<Counted> => [
  { type: "sent", platform },
  { type: "expired", platform },
  ...errorCategories.map((category) => ({ type: "attempt-failed", platform, category }) as const)
]

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
