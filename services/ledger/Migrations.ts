// Builds and upgrades the tables, in whichever schema: the SQL files of migrations/ by postgrator, in one transaction.
import { Effect } from "effect"
import Postgrator from "postgrator"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { isFailure } from "#shared/postgres/PostgresErrors.ts"

/** The tables that are read, and those that a rebuild is making. */
export type SchemaName = "carillon" | "carillon_rebuild"

// A pattern for postgrator: what would be special in the path of the project is made literal.
const files = `${import.meta.dirname.replaceAll("\\", "/").replace(/[*?()[\]{}]/g, "[$&]")}/migrations/*.sql`

/**
 * Any number of ledgers may start at once: they take turns, and the tables stand whole or not at all. To the newest
 * version, unless an older one is wanted.
 */
export const migrate = Effect.fn("migrate")(function* (schema: SchemaName, to?: number) {
  const postgres = yield* Postgres
  const applied = yield* postgres.transaction(
    Effect.fnUntraced(function* (query) {
      yield* query("SELECT pg_advisory_xact_lock(hashtext('carillon.migrations'))")
      yield* query(`SET LOCAL search_path TO ${schema}`)
      return yield* runFiles(query, schema, to)
    })
  )
  if (applied > 0) yield* Effect.logInfo(`applied ${applied} migrations to schema ${schema}`)
})

const runFiles = Effect.fnUntraced(function* (query: Query, schema: SchemaName, to: number | undefined) {
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: files,
    schemaTable: `${schema}.schema_version`,
    newline: "LF",
    execQuery: async (sql) => ({ rows: [...(await run(query<object>(sql)))] })
  })
  const applied = yield* Effect.tryPromise({
    try: () => postgrator.migrate(to === undefined ? undefined : String(to)),
    catch: (cause) => cause
  }).pipe(Effect.catch((cause) => (isFailure(cause) ? Effect.fail(cause) : Effect.die(cause))))
  return applied.length
})
