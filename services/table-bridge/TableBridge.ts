// The table bridge: publishes what is in the outbox, and where a table is configured, makes its rows messages and writes
// back what became of them.
import { Effect, Option, Queue, Redacted, Schedule, Schema } from "effect"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { whenNotified } from "#shared/postgres/Listen.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { PostgresError } from "#shared/postgres/PostgresErrors.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { secret, setting, whole } from "#shared/service/Settings.ts"
import { databaseUrl } from "./database/BridgeDatabase.ts"
import { type Failing, keepDoing } from "./Loop.ts"
import { type Observed, watch } from "./Observed.ts"
import { configured, open, requireOutbox, wasUndone } from "./Open.ts"
import { follow } from "./outcomes/Follow.ts"
import { writeBack } from "./outcomes/WriteBack.ts"
import { noting, prune, relay, relayBatch } from "./Relay.ts"
import { lookAtChanges, lookAtDue, type Open } from "./rows/Look.ts"
import { sweep } from "./rows/Sweep.ts"

const settings = Effect.all({
  everyMillis: setting("OUTBOX_POLL_MILLIS", whole(10, 600_000), {
    says: "How often the bridge looks by itself, without being notified",
    unit: "milliseconds",
    byDefault: 1_000
  }),
  keepDays: setting("OUTBOX_KEEP_DAYS", whole(0, 36_500), {
    says: "How long the record of what was published and refused is kept; it holds ids, no text",
    unit: "days",
    byDefault: 7
  }),
  listenUrl: secret("DATABASE_LISTEN_URL", {
    says: "Where the bridge is notified, if what it works with is a pooler, which notifications do not pass",
    takes: "like `DATABASE_URL`, or `none`: polling is all then",
    otherwise: "the bridge's own connection"
  }).given
})

const outOfReach = Schema.is(Schema.Union([PostgresError, NatsError]))

/** For each loop one: what wakes one must not be taken from another. */
const wakers = Effect.fnUntraced(function* (url: (() => string) | undefined) {
  const queues = yield* Effect.all({ relay: Queue.sliding<void>(1), looks: Queue.sliding<void>(1) })
  if (url !== undefined) {
    const heard = yield* whenNotified(url, "carillon")
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.tap(Queue.take(heard), () =>
          Effect.forEach(Object.values(queues), (queue) => Queue.offer(queue, undefined))
        )
      )
    )
  }
  return queues
})

const bridging = (bridge: Open, failing: Failing, everyMillis: number, woken: Queue.Dequeue<void>) => [
  keepDoing({ name: "looking at changed rows", failing, everyMillis, woken }, lookAtChanges(bridge)),
  keepDoing({ name: "looking at rows soon due", failing, everyMillis }, lookAtDue(bridge)),
  keepDoing({ name: "writing back", failing, everyMillis: Math.min(everyMillis, 500) }, writeBack(bridge)),
  keepDoing({ name: "looking all rows over", failing, everyMillis: 600_000 }, sweep(bridge))
]

export const run = Effect.gen(function* () {
  const readiness = yield* Readiness
  const tablesReady = yield* readiness.awaiting("tables")
  yield* readiness.begun
  const { everyMillis, keepDays, listenUrl } = yield* settings
  const config = yield* configured
  yield* provision([])
  const { query } = yield* Postgres
  const patiently = Effect.retry({ schedule: Schedule.spaced("2 seconds"), while: outOfReach })
  yield* requireOutbox(query).pipe(patiently)
  const undone = config === undefined || (yield* wasUndone(query, config).pipe(patiently))
  const bridge = undone ? undefined : yield* open(config).pipe(patiently)
  const own = yield* databaseUrl
  const listening = Option.match(listenUrl, { onNone: () => own, onSome: (url) => () => Redacted.value(url) })
  const woken = yield* wakers(listening() === "none" ? undefined : listening)
  const failing: Failing = new Map()
  const observed: Observed = { behind: 0, failing }
  yield* tablesReady
  const following = follow({
    name: config?.name ?? "outbox",
    bridge: config?.name,
    onProgress: (behind) => {
      observed.behind = behind
    }
  })
  yield* Effect.all(
    [
      keepDoing(
        { name: "the outbox", failing, everyMillis, woken: woken.relay },
        Effect.map(noting(relay()), (published) => published >= relayBatch / 2)
      ),
      keepDoing({ name: "reading the event log", failing, everyMillis: 2_000 }, following),
      keepDoing({ name: "tidying the outbox", failing, everyMillis: 3_600_000 }, Effect.as(prune(keepDays), false)),
      watch(observed, bridge !== undefined),
      ...(bridge ? bridging(bridge, failing, everyMillis, woken.looks) : [])
    ],
    { concurrency: "unbounded", discard: true }
  )
}).pipe(Effect.scoped)
