// The connection to Postgres: a pool that waits for the server, typed errors, transactions. Only shared/postgres imports pg.
// Works through a pooler in transaction mode: nothing here depends on the state of a session.
import { Cause, Context, Effect, Exit, Layer, Schedule, Schema } from "effect"
import pg from "pg"
import { Readiness } from "#shared/service/Readiness.ts"
import { setting, whole } from "#shared/service/Settings.ts"
import { type ConnectionUrl, connectionUrl } from "./ConnectionUrl.ts"
import { copyIn } from "./CopyIn.ts"
import { type Failure, failureOf, isFailure, PostgresError } from "./PostgresErrors.ts"

/**
 * Instants come back as in the contract (UTC, milliseconds), bigint as a number, JSON parsed.
 * Without values a text may hold several statements.
 */
export type Query = <Row extends object>(
  sql: string,
  values?: ReadonlyArray<unknown>
) => Effect.Effect<ReadonlyArray<Row>, Failure>

/** Rows in a format of COPY, text or binary, go to Postgres with the least work for both; it takes all of them or none. */
export interface Writing extends Query {
  readonly copy: (sql: string, rows: string | Buffer) => Effect.Effect<void, Failure>
}

export class Postgres extends Context.Service<
  Postgres,
  {
    readonly query: Query
    /**
     * Commits when the body succeeds, else leaves no trace. When the connection breaks while it commits, nobody knows
     * which: look again. Interrupted, it gives the connection up at once. Suspended, with what it has locked, it is ended by
     * Postgres after a minute, and others go on.
     */
    transaction<A, E, R>(body: (query: Writing) => Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R>
  }
>()("shared/postgres/Postgres") {
  /** For commands: a Postgres out of reach is an error of the first query. */
  static readonly layerWithoutWaiting = Layer.effect(
    Postgres,
    Effect.suspend(() => open)
  )

  /** For services: waits for the server, and says so. */
  static readonly layer = Layer.effect(
    Postgres,
    Effect.gen(function* () {
      const postgres = yield* open
      const { host } = yield* connectionUrl
      yield* postgres.query("SELECT 1").pipe(
        Effect.catchTag("RefusedByPostgres", Effect.die),
        Effect.tapError((error) =>
          Schema.is(PostgresError)(error)
            ? Effect.logWarning(`Waiting for Postgres at ${host}: ${error.problem}`)
            : Effect.void
        ),
        Effect.retry({ schedule: Schedule.spaced("2 seconds"), while: Schema.is(PostgresError) })
      )
      const readiness = yield* Readiness
      yield* readiness.check("postgres", answers(postgres.query))
      return postgres
    })
  )
}

const answers = (query: Query) =>
  query("SELECT 1").pipe(Effect.timeout("2 seconds"), Effect.match({ onSuccess: () => true, onFailure: () => false }))

/** A rebuild holds one and works with another. */
const poolSize = setting("DATABASE_POOL_SIZE", whole(2, 1_000), {
  says: "The most connections to Postgres that are open at once",
  byDefault: 4
})

/** Each connection with the password of its time. */
const clientOf = ({ current }: ConnectionUrl) =>
  class extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionString: current() })
    }
  }

const open = Effect.gen(function* () {
  const url = yield* connectionUrl
  const max = yield* poolSize
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const pool = new pg.Pool({
        Client: clientOf(url),
        max,
        application_name: "carillon",
        connectionTimeoutMillis: 5_000,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
        types: { getTypeParser: parserOf } as pg.CustomTypesConfig
      })
      // A connection that breaks is replaced when it is next needed; unheard, its error would end the process.
      pool.on("error", () => {})
      pool.on("connect", (client) => void client.on("error", () => {}))
      return pool
    }),
    (pool) => Effect.ignore(call(() => pool.end()))
  )
  return Postgres.of({
    query: (sql, values) => Effect.scoped(Effect.flatMap(connection(pool), (client) => rowsOf(client, sql, values))),
    transaction: (body) => Effect.scoped(Effect.flatMap(connection(pool), (client) => transaction(client, body)))
  })
})

/** Goes back to the pool only when nothing is under way on it: closing it ends its transaction too. */
const connection = (pool: pg.Pool) =>
  Effect.acquireRelease(
    call(() => pool.connect()),
    (client, exit) => Effect.sync(() => client.release(Exit.hasInterrupts(exit) || lost(exit)))
  )

const lost = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) => reason._tag === "Fail" && Schema.is(PostgresError)(reason.error))

const rowsOf = <Row extends object>(client: pg.PoolClient, sql: string, values?: ReadonlyArray<unknown>) =>
  Effect.map(
    call<pg.QueryResult | Array<pg.QueryResult>>(() => (values ? client.query(sql, [...values]) : client.query(sql))),
    (result) => (Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows) as ReadonlyArray<Row>
  )

const writing = (client: pg.PoolClient): Writing =>
  Object.assign(
    <Row extends object>(sql: string, values?: ReadonlyArray<unknown>) => rowsOf<Row>(client, sql, values),
    {
      copy: (sql: string, rows: string | Buffer) =>
        call(() => copyIn(client, sql, typeof rows === "string" ? Buffer.from(rows) : rows))
    }
  )

const transaction = <A, E, R>(client: pg.PoolClient, body: (query: Writing) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* call(() => client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'`))
    const value = yield* body(writing(client)).pipe(
      Effect.onError((cause) =>
        Cause.hasInterrupts(cause) ? Effect.void : Effect.ignore(call(() => client.query("ROLLBACK")))
      )
    )
    const { command } = yield* call(() => client.query("COMMIT"))
    // So Postgres answers when a statement had failed, whatever the body made of that.
    if (command !== "COMMIT") return yield* Effect.die(new Error("a transaction went on after a statement had failed"))
    return value
  })

/** One call of the client; what is no failure of Postgres is a mistake of ours. */
const call = <A>(run: () => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.tryPromise({ try: run, catch: failureOf }).pipe(
    Effect.catch((error) => (isFailure(error) ? Effect.fail(error) : Effect.die(error)))
  )

const instant = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ, "text") as (text: string) => Date

/** As Postgres writes it for a session in UTC: a projection reads many, and a Date for each costs more than the rest. */
const plain = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?\+00$/

const parseInstant = (text: string) => {
  const [, date, time, fraction = ""] = plain.exec(text) ?? []
  return date ? `${date}T${time}.${fraction.padEnd(3, "0")}Z` : instant(text).toISOString()
}

const parserOf = (oid: number, format?: "text" | "binary") => {
  if (oid === pg.types.builtins.TIMESTAMPTZ) return parseInstant
  if (oid === pg.types.builtins.INT8) return Number
  return pg.types.getTypeParser(oid, format as "text")
}
