// Builds and upgrades the tables, in whichever schema: the SQL files of migrations/ by postgrator, in one transaction. Or
// waits for them, where the ledger's own user may make none.
import { Effect } from "effect"
import Postgrator from "postgrator"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { isFailure, PostgresError } from "#shared/postgres/PostgresErrors.ts"

/** The tables that are read, and those that a rebuild is making. */
export type SchemaName = "carillon" | "carillon_rebuild"

// A pattern for postgrator: what would be special in the path of the project is made literal.
const files = `${import.meta.dirname.replaceAll("\\", "/").replace(/[*?()[\]{}]/g, "[$&]")}/migrations/*.sql`

/**
 * Any number of ledgers may start at once: they take turns, and the tables stand whole or not at all. To the newest
 * version, unless an older one is wanted. Answers with how many were applied.
 */
export const migrate = Effect.fn("migrate")(function* (schema: SchemaName, to?: number) {
  const postgres = yield* Postgres
  const applied = yield* postgres.transaction(
    Effect.fnUntraced(function* (query) {
      yield* query("SELECT pg_advisory_xact_lock(hashtext('carillon.migrations'))")
      yield* query(`SET LOCAL search_path TO ${schema}`)
      return yield* asking(query, schema, async (postgrator) => {
        const { length } = await postgrator.migrate(to === undefined ? undefined : String(to))
        return length
      })
    })
  )
  if (applied > 0) yield* Effect.logInfo(`applied ${applied} migrations to schema ${schema}`)
  return applied
})

/** Which version the tables are of, 0 if there are none that our user may see; and which this program is written for. */
export const versions = Effect.gen(function* () {
  const { query } = yield* Postgres
  return yield* asking(query, "carillon", async (postgrator) => ({
    found: await postgrator.getDatabaseVersion(),
    wanted: await postgrator.getMaxVersion()
  }))
})

/** Newer ones will do: while an upgrade goes on, a ledger of the version before may start once more. */
export const requireTables = Effect.gen(function* () {
  const { found, wanted } = yield* versions
  if (found >= wanted) return
  return yield* new PostgresError({
    problem: `its tables are of version ${found}, and TABLES_MANAGE=none leaves it to \`carillon ledger migrate\` to bring them to ${wanted}`
  })
})

const asking = Effect.fnUntraced(function* <A>(
  query: Query,
  schema: SchemaName,
  ask: (postgrator: Postgrator) => Promise<A>
) {
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: files,
    schemaTable: `${schema}.schema_version`,
    newline: "LF",
    execQuery: async (sql) => ({ rows: [...(await run(query<object>(sql)))] })
  })
  return yield* Effect.tryPromise({ try: () => ask(postgrator), catch: (cause) => cause }).pipe(
    Effect.catch((cause) => (isFailure(cause) ? Effect.fail(cause) : Effect.die(cause)))
  )
})
