// The connection to NATS: waits for it at start, keeps it, and refuses a server that cannot keep time.
import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager
} from "@nats-io/jetstream"
import { jserrors } from "@nats-io/jetstream/internal"
import {
  type ConnectionOptions,
  connect,
  InvalidArgumentError,
  type NatsConnection,
  PermissionViolationError
} from "@nats-io/transport-node"
import { Context, Effect, Layer, Schedule, Schema, Stream } from "effect"
import { Readiness } from "#shared/service/Readiness.ts"
import { type Told, watchStoring } from "../messages/Storing.ts"
import { credentials } from "./Credentials.ts"
import { type PresentSince, watchPresence } from "./Presence.ts"
import { type ServerClock, serverClock, watchClock } from "./ServerClock.ts"
import { BadCredentials } from "./Trust.ts"

/** NATS could not do what was asked now: unreachable, or it did not answer. Trying again may help. */
export class NatsError extends Schema.TaggedError<NatsError>()("NatsError", {
  operation: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `NATS: ${this.operation} failed: ${describe(this.cause)}`
  }
}

/** This NATS can never do what is needed: trying again does not help. */
export class UnusableNats extends Schema.TaggedError<UnusableNats>()("UnusableNats", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

/** Wraps one call of the client. */
export const attempt = <A>(operation: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new NatsError({ operation, cause }) })

export class Nats extends Context.Service<
  Nats,
  {
    readonly connection: NatsConnection
    readonly js: JetStreamClient
    readonly manager: JetStreamManager
    readonly clock: ServerClock
    readonly presentSince: PresentSince
    /** To be told of every publish. */
    readonly told: Told
  }
>()("shared/nats/connection/Nats") {
  /** For services: waits for the server, and says so. */
  static readonly layer = Layer.effect(
    Nats,
    Effect.gen(function* () {
      const nats = yield* open(Schedule.spaced("2 seconds"))
      yield* Effect.forkScoped(watchClock(nats.clock))
      return nats
    })
  )

  /** For commands: a server out of reach is an error. */
  static readonly layerWithoutWaiting = Layer.effect(
    Nats,
    Effect.suspend(() => open(Schedule.recurs(0)))
  )
}

const open = (again: Schedule.Schedule<unknown>) =>
  Effect.gen(function* () {
    const options = yield* connectionOptions
    const readiness = yield* Readiness
    const connection = yield* establish(options, again)
    yield* refuseOldServer(connection)
    yield* Effect.forkScoped(tellOfRefusals(connection))
    yield* readiness.check(
      "nats",
      Effect.sync(() => !connection.isClosed() && connected(connection))
    )
    const manager = yield* attempt("JetStream", () => jetstreamManager(connection)).pipe(
      waiting(again),
      Effect.catchIf(
        ({ cause }) => cause instanceof jserrors.JetStreamNotEnabled,
        () =>
          new UnusableNats({
            problem: "This NATS server has no JetStream: start it with -js, or enable JetStream for the account."
          })
      )
    )
    const clock = serverClock(manager)
    yield* clock.look
    const presentSince = yield* watchPresence(connection, clock)
    const told = yield* watchStoring(readiness)
    const js = jetstream(connection, { timeout: 5_000 })
    return Nats.of({ connection, js, manager, clock, presentSince, told })
  })

/** The client would not even send it, as what is larger than NATS takes: the next try ends in the same way. */
export const isNeverSent = ({ cause }: NatsError): boolean => cause instanceof InvalidArgumentError

/** By the rights that NATS has of our user. They may be mended while a service waits; whoever typed a command is told. */
export const isDenied = ({ cause }: NatsError): boolean =>
  cause instanceof PermissionViolationError ||
  (cause instanceof Error && cause.cause instanceof PermissionViolationError)

/** Nobody answered, or nobody leads, as in a cluster that has lost too many servers: in a moment it may be another matter. */
export const isAway = (error: NatsError): boolean => {
  const { cause } = error
  if (cause instanceof JetStreamApiError) return cause.status === 503
  return !(cause instanceof jserrors.JetStreamNotEnabled || isNeverSent(error))
}

/** For steps of a start: says that it waits, and tries again. What NATS refuses for good is told at once. */
export const waiting =
  (again: Schedule.Schedule<unknown> = Schedule.spaced("2 seconds"), passes = isAway) =>
  <A, E, R>(step: Effect.Effect<A, E | NatsError, R>): Effect.Effect<A, E | NatsError, R> => {
    const waits = (error: E | NatsError) => isNatsError(error) && passes(error)
    return step.pipe(
      Effect.tapError((error) =>
        isNatsError(error) && waits(error) ? Effect.logWarning(`Waiting: ${error.message}`) : Effect.void
      ),
      Effect.retry({ schedule: again, while: waits })
    )
  }

const isNatsError = Schema.is(NatsError)

const connectionOptions = Effect.map(
  Effect.mapError(credentials, (error) =>
    error instanceof BadCredentials ? new UnusableNats({ problem: error.problem }) : error
  ),
  (who) =>
    ({
      ...who,
      name: "carillon",
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      pingInterval: 10_000,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true,
      // Else two stacks are captured for each request, in case it fails. Our errors name the operation.
      noAsyncTraces: true
    }) satisfies ConnectionOptions
)

/** Taking a connection cannot be interrupted, waiting for the next try can: whoever waits ends when told to. */
const establish = (
  options: ConnectionOptions & { readonly servers: ReadonlyArray<string> },
  again: Schedule.Schedule<unknown>
) =>
  Effect.acquireRelease(
    attempt("connect", () => connect({ ...options, servers: [...options.servers], timeout: 5_000 })),
    // With the server gone a drain rejects; there is nothing left to lose then.
    (connection) => Effect.ignore(attempt("drain", () => connection.drain()))
  ).pipe(
    Effect.tapError((error) =>
      Effect.logWarning(`Waiting for NATS at ${options.servers.join(", ")}: ${describe(error.cause)}`)
    ),
    Effect.retry(again)
  )

/** What our user may not do shows as an answer that never comes: said aloud, with the subject, which holds ids only. */
const tellOfRefusals = (connection: NatsConnection) =>
  Effect.ignore(
    Stream.runForEach(
      Stream.fromAsyncIterable(connection.status(), () => undefined),
      (status) =>
        status.type === "error" && status.error instanceof PermissionViolationError
          ? Effect.logError(
              `NATS does not let us ${status.error.operation} ${status.error.subject}: see docs/security.md`
            )
          : Effect.void
    )
  )

const refuseOldServer = (connection: NatsConnection) => {
  const version = connection.info?.version ?? "unknown"
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > 2 || (major === 2 && minor >= 14)
    ? Effect.void
    : new UnusableNats({
        problem: `nats-server ${version} is too old: Carillon needs 2.14 or newer, which keeps its timers. Upgrade it, or name another one in NATS_URL.`
      })
}

const connected = (connection: NatsConnection) =>
  (connection as unknown as { readonly protocol: { readonly connected: boolean } }).protocol.connected

const describe = (cause: unknown) => (cause instanceof Error ? cause.message || cause.name : "no answer")
