// Makes sure that the streams and consumers stand as Topology.ts says, without touching what is the operator's.
import { JetStreamApiError, type StreamConfig } from "@nats-io/jetstream"
import { Objm, StorageType } from "@nats-io/obj"
import { Effect, Schedule, Schema } from "effect"
import { setting } from "#shared/service/Settings.ts"
import { attempt, isAway, isDenied, Nats, type NatsError, waiting } from "../connection/Nats.ts"
import { replicasSetting, tooFewReplicas } from "./Replicas.ts"
import {
  type ConsumerDefinition,
  consumerConfig,
  filesBucket,
  filesStream,
  type StreamName,
  streams
} from "./Topology.ts"

const manageSetting = setting("STREAMS_MANAGE", Schema.Literals(["auto", "none"]), {
  says: "Whether streams and consumers are made and repaired by the services, or only checked; `carillon nats provision` makes them all the same",
  byDefault: "auto"
})

/**
 * Creates what is missing and repairs what the services cannot do without. Retention in time, sizes and placement of a
 * stream that exists stay as they are, and so do its replicas; only where it is said to, there may become more of them. With
 * STREAMS_MANAGE=none nothing is changed, but where it is said otherwise: what is missing is waited for, as a cluster without a leader is. A service that ends instead would be
 * started again later and later.
 */
export const provision = Effect.fn("provision")((consumers: ReadonlyArray<ConsumerDefinition>, wanted?: "auto") =>
  ensure(consumers, wanted).pipe(
    waiting(undefined, (error) => isAway(error) && !(wanted && isDenied(error))),
    awaited
  )
)

const ensure = Effect.fnUntraced(function* (consumers: ReadonlyArray<ConsumerDefinition>, wanted?: "auto") {
  const manage = wanted ?? (yield* manageSetting)
  const replicas = yield* replicasSetting
  const kept: Array<Kept> = []
  for (const name of Object.keys(streams) as ReadonlyArray<StreamName>)
    kept.push({ name, on: yield* ensureStream(name, manage, replicas) })
  kept.push({ name: filesStream, on: yield* ensureFiles(manage, replicas) })
  for (const consumer of consumers) yield* ensureConsumer(consumer, manage)
  yield* wanted ? raise(kept, replicas) : warnOfFew(kept, replicas)
})

interface Kept {
  readonly name: string
  /** So many servers. */
  readonly on: number
}

/**
 * Consumers follow their stream. NATS makes the copies by and by: where a consumer's leader goes before they are up to date,
 * nobody can read it until it is back (tried with nats-server 2.15).
 */
const raise = Effect.fnUntraced(function* (kept: ReadonlyArray<Kept>, replicas: number) {
  const { manager } = yield* Nats
  const few = kept.filter(({ on }) => on < replicas)
  for (const { name } of few)
    yield* attempt(`update stream ${name}`, () => manager.streams.update(name, { num_replicas: replicas }))
  if (few.length === 0) return
  yield* Effect.logInfo(
    `${few.map(({ name }) => name).join(", ")}: NATS makes copies on ${replicas} servers. Take none down until doctor says that they are up to date`
  )
})

const warnOfFew = Effect.fnUntraced(function* (kept: ReadonlyArray<Kept>, replicas: number) {
  const { connection } = yield* Nats
  const said = Map.groupBy(kept, ({ on }) => tooFewReplicas(on, replicas, connection.info?.cluster))
  for (const [problem, few] of said)
    if (problem !== undefined) yield* Effect.logWarning(`${few.map(({ name }) => name).join(", ")}: ${problem}`)
})

export const filesDescription = "Files that messages carry: personal data"

/** The object store's stream is its client's affair: it is made, and left as it is. Answers with on how many servers it is kept. */
const ensureFiles = Effect.fnUntraced(function* (manage: "auto" | "none", replicas: number) {
  const { js, manager } = yield* Nats
  const found = yield* orMissing(attempt(`look up stream ${filesStream}`, () => manager.streams.info(filesStream)))
  if (found) return found.config.num_replicas
  if (manage === "none") return yield* missing(`object store ${filesBucket}`)
  yield* attempt(`create object store ${filesBucket}`, () =>
    new Objm(js).create(filesBucket, {
      replicas,
      storage: StorageType.File,
      description: filesDescription
    })
  )
  return replicas
})

/** Answers with on how many servers it is kept. */
const ensureStream = Effect.fnUntraced(function* (name: StreamName, manage: "auto" | "none", replicas: number) {
  const { manager } = yield* Nats
  const wanted = streams[name] as Partial<StreamConfig> & { readonly name: string }
  const found = yield* orMissing(attempt(`look up stream ${name}`, () => manager.streams.info(name)))
  if (!found && manage === "none") return yield* missing(`stream ${name}`)
  if (!found) {
    yield* attempt(`create stream ${name}`, () => manager.streams.add({ ...wanted, num_replicas: replicas }))
    return replicas
  }
  if (manage === "none") return found.config.num_replicas
  const { max_age: _, duplicate_window: __, storage: ___, ...ours } = wanted
  if (differs(found.config, ours)) {
    yield* Effect.logInfo(`updating stream ${name}`)
    yield* attempt(`update stream ${name}`, () => manager.streams.update(name, { ...found.config, ...ours }))
  }
  return found.config.num_replicas
})

const ensureConsumer = Effect.fnUntraced(function* (definition: ConsumerDefinition, manage: "auto" | "none") {
  const { manager } = yield* Nats
  const { stream, durable } = definition
  const found = yield* orMissing(attempt(`look up consumer ${durable}`, () => manager.consumers.info(stream, durable)))
  if (manage === "none") return yield* found ? Effect.void : missing(`consumer ${durable} of stream ${stream}`)
  const wanted = consumerConfig(definition)
  if (!found)
    return yield* Effect.asVoid(attempt(`create consumer ${durable}`, () => manager.consumers.add(stream, wanted)))
  if (differs(found.config, wanted)) {
    yield* Effect.logInfo(`updating consumer ${durable}`)
    yield* attempt(`update consumer ${durable}`, () => manager.consumers.update(stream, durable, wanted))
  }
})

/** Somebody else is to make it: a job of the same upgrade, or an operator. */
class Missing extends Schema.TaggedError<Missing>()("Missing", { what: Schema.String }) {
  override get message() {
    return `Waiting: NATS has no ${this.what}, and STREAMS_MANAGE=none leaves it to \`carillon nats provision\``
  }
}
const missing = (what: string) => new Missing({ what })
const isMissing = Schema.is(Missing)

const awaited = <E, R>(step: Effect.Effect<void, E | Missing, R>) =>
  step.pipe(
    Effect.tapError((error) => (isMissing(error) ? Effect.logWarning(error.message) : Effect.void)),
    Effect.retry({ schedule: Schedule.spaced("2 seconds"), while: isMissing }),
    Effect.catchIf(isMissing, Effect.die)
  )

const orMissing = <A>(lookUp: Effect.Effect<A, NatsError>): Effect.Effect<A | undefined, NatsError> =>
  Effect.catchIf(
    lookUp,
    (error) => error.cause instanceof JetStreamApiError && error.cause.status === 404,
    () => Effect.succeed(undefined)
  )

const differs = (found: object, wanted: object) =>
  Object.entries(wanted).some(([key, value]) => JSON.stringify(found[key as keyof object]) !== JSON.stringify(value))
