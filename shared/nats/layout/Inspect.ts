// Looks at streams, consumers and services from outside: what waits where, and what is not as it should be.
import { type ConsumerInfo, JetStreamApiError, type StreamInfo } from "@nats-io/jetstream"
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Orders, SenderState } from "#shared/contract/Senders.ts"
import { attempt, Nats, type NatsError } from "../connection/Nats.ts"
import { EventLog } from "../stores/EventLog.ts"
import { type ConsumerDefinition, filesStream, leaseSeconds, type StreamName, Subject, streams } from "./Topology.ts"

export interface StreamState {
  readonly messages: number
  readonly bytes: number
  readonly lastSequence: number
  /** When the oldest message was stored; none in an empty stream. */
  readonly oldest?: number
  readonly config: StreamInfo["config"]
  /** Copies that are not up to date, or whose server is away. */
  readonly copiesBehind: number
}

export interface ConsumerState {
  /** Not yet given to anybody. */
  readonly waiting: number
  /** Given to somebody, not acknowledged. */
  readonly inHand: number
  readonly redelivered: number
  /** Somebody asks for messages. */
  readonly read: boolean
  /** When somebody was given something last, as far as its server remembers. */
  readonly givenAt?: number
  /** When the oldest that is not acknowledged was stored; none if there is none. */
  readonly oldest?: number
  /** All of its work up to this place of the stream is acknowledged. */
  readonly ackFloor: number
  /** As of streams. */
  readonly copiesBehind: number
}

/** Nothing if there is no such stream. */
export const streamState = (name: StreamName) => orNothing(lookUpStream(name))

/** The object store of the files that messages carry. */
export const filesState = Effect.suspend(() => orNothing(lookUpStream(filesStream)))

const lookUpStream = Effect.fnUntraced(function* (name: string) {
  const { manager } = yield* Nats
  const { cluster, config, state } = yield* attempt(`look up ${name}`, () => manager.streams.info(name))
  return {
    messages: state.messages,
    bytes: state.bytes,
    lastSequence: state.last_seq,
    ...(state.messages > 0 ? { oldest: Date.parse(state.first_ts) } : {}),
    config,
    copiesBehind: behind(cluster)
  } satisfies StreamState
})

export interface Storage {
  /** Bytes on disk of all streams of the account, files for messages too, on all servers that hold them. */
  readonly used: number
  /** What the account may have of them; 0 if it is not said: then the disk of a server is the limit. */
  readonly limit: number
}

/** An account may have a limit for each number of replicas instead of one: then of the fullest. */
export const storage = Effect.gen(function* () {
  const { manager } = yield* Nats
  const { tiers, ...whole } = yield* attempt("look up the account", () => manager.getAccountInfo())
  const parts = Object.values(tiers ?? { whole }).flatMap(
    (part): ReadonlyArray<Storage> =>
      part ? [{ used: part.storage, limit: Math.max(0, part.limits.max_storage) }] : []
  )
  const fullness = ({ limit, used }: Storage) => (limit === 0 ? 0 : used / limit)
  return parts.reduce(
    (fullest, one) => (fullness(one) > fullness(fullest) ? one : fullest),
    parts[0] ?? { used: 0, limit: 0 }
  )
})

const behind = (cluster: StreamInfo["cluster"]) =>
  (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline).length

/** The durable consumers that there are, of actors and of gateways, whatever their senders. */
export const durables = Effect.gen(function* () {
  const { manager } = yield* Nats
  const found: Array<ConsumerDefinition & { readonly state: ConsumerState }> = []
  for (const stream of Object.keys(streams) as ReadonlyArray<StreamName>) {
    const infos = yield* orNothing(
      attempt(`list the consumers of ${stream}`, async () => {
        const all: Array<ConsumerInfo> = []
        for await (const info of manager.consumers.list(stream)) all.push(info)
        return all
      })
    )
    for (const info of infos ?? []) {
      const { durable_name: durable, filter_subjects, filter_subject, max_ack_pending = 0, ack_wait = 0 } = info.config
      if (durable === undefined) continue
      const filters = filter_subjects ?? (filter_subject ? [filter_subject] : [])
      const definition = { stream, durable, filters, maxAckPending: max_ack_pending, ackWaitMillis: ack_wait / 1e6 }
      found.push({ ...definition, state: yield* stateOf(definition, info) })
    }
  }
  return found
})

/** Nothing if there is no such consumer. */
export const consumerState = (definition: ConsumerDefinition) => orNothing(lookUpConsumer(definition))

const lookUpConsumer = Effect.fnUntraced(function* (definition: ConsumerDefinition) {
  const { manager } = yield* Nats
  const { stream, durable } = definition
  return yield* stateOf(definition, yield* attempt(`look up ${durable}`, () => manager.consumers.info(stream, durable)))
})

const stateOf = Effect.fnUntraced(function* (definition: ConsumerDefinition, info: ConsumerInfo) {
  const oldest =
    info.num_pending + info.num_ack_pending === 0
      ? undefined
      : yield* orNothing(firstAfter(definition, info.ack_floor.stream_seq))
  // The client says that these are nanoseconds; the server writes an instant.
  const lastGiven = info.delivered.last_active as unknown as string | undefined
  return {
    waiting: info.num_pending,
    inHand: info.num_ack_pending,
    redelivered: info.num_redelivered,
    read: info.num_waiting > 0,
    ackFloor: info.ack_floor.stream_seq,
    copiesBehind: behind(info.cluster),
    ...(lastGiven === undefined ? {} : { givenAt: Date.parse(lastGiven) }),
    ...(oldest === undefined ? {} : { oldest })
  } satisfies ConsumerState
})

/** All of a consumer's work up to this place of its stream is acknowledged, also what stayed there: see Leftovers.ts. */
export const ackFloor = Effect.fnUntraced(function* ({ stream, durable }: ConsumerDefinition) {
  const { manager } = yield* Nats
  const info = yield* attempt(`look up ${durable}`, () => manager.consumers.info(stream, durable))
  return info.ack_floor.stream_seq
})

/** When the first message of a consumer after a sequence was stored. */
const firstAfter = Effect.fnUntraced(function* ({ stream, filters }: ConsumerDefinition, sequence: number) {
  const { manager } = yield* Nats
  const found = yield* Effect.forEach(filters, (filter) =>
    attempt("look up the oldest", () => manager.direct.getMessage(stream, { seq: sequence + 1, next_by_subj: filter }))
  )
  const times = found.flatMap((message) => (message ? [message.time.getTime()] : []))
  return times.length === 0 ? undefined : Math.min(...times)
})

export interface SenderSeen {
  readonly platform: string
  /** `_all` for orders that all senders of a platform have. */
  readonly sender: string
  readonly state?: SenderState
  readonly orders?: Orders
  /** A replica holds its lease. */
  readonly active: boolean
  /** A replica has held it at some time. */
  readonly hasRun: boolean
}

/** Every sender that has run or has orders. */
export const senders = Effect.gen(function* () {
  const { clock } = yield* Nats
  const { lastOfEach } = yield* EventLog
  const wanted = (["lease", "state", "orders", "profile"] as const).map((what) => Subject.sender("*", "*", what))
  const seen = new Map<string, SenderSeen>()
  for (const { storedAt, subject, text } of (yield* orNothing(lastOfEach("SENDERS", wanted))) ?? []) {
    const [, , platform = "", sender = "", what] = subject.split(".")
    const before = seen.get(`${platform}.${sender}`) ?? { platform, sender, active: false, hasRun: false }
    const state = what === "state" ? Result.getOrUndefined(decodeState(text)) : undefined
    const orders = what === "orders" ? Result.getOrUndefined(decodeOrders(text)) : undefined
    // One may be left that should have ended: see Lease.ts.
    const holds = what === "lease" && clock.now() - storedAt < 3 * leaseSeconds * 1_000
    seen.set(`${platform}.${sender}`, {
      ...before,
      ...(state ? { state } : {}),
      ...(orders ? { orders } : {}),
      active: before.active || holds,
      hasRun: before.hasRun || what !== "orders"
    })
  }
  return [...seen.values()]
})

const decodeState = decodeWith(SenderState)
const decodeOrders = decodeWith(Orders)

/** What Topology.ts demands of a stream and this one lacks, by the names of the settings. */
export const shortcomings = (name: StreamName, { config }: StreamState): ReadonlyArray<string> => {
  const found = config as unknown as Record<string, unknown>
  const { subjects, retention, ...flags } = streams[name] as Record<string, unknown>
  const missing = Object.entries({ subjects, retention, ...flags })
    .filter(([key]) => !["max_age", "duplicate_window", "storage", "name"].includes(key))
    .filter(([key, value]) => JSON.stringify(found[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key} should be ${JSON.stringify(value)}`)
  const limits = ["max_age", "max_msgs", "max_bytes", "max_msgs_per_subject"].filter((key) => Number(found[key]) > 0)
  if (name === "TIMERS") return [...missing, ...limits.map((key) => `${key} deletes timers: remove it`)]
  const forgets = limits.filter((key) => name === "SERIES" && key !== "max_msgs_per_subject")
  return [...missing, ...forgets.map((key) => `${key} forgets series: remove it`)]
}

/** How many schedulers answer. */
export const schedulers = Effect.gen(function* () {
  const { connection } = yield* Nats
  return yield* attempt("ping", async () => {
    let count = 0
    for await (const _ of await connection.requestMany("$SRV.PING.carillon", "", { maxWait: 500, strategy: "stall" }))
      count++
    return count
  }).pipe(Effect.orElseSucceed(() => 0))
})

export const serverVersion = Effect.map(Nats, ({ connection }) => connection.info?.version ?? "unknown")

/** Nothing if what is looked up is not there. */
export const orNothing = <A, R>(lookUp: Effect.Effect<A, NatsError, R>) =>
  Effect.catchIf(
    lookUp,
    (error) => error.cause instanceof JetStreamApiError && error.cause.status === 404,
    () => Effect.succeed(undefined)
  )
