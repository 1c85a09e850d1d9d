// What the role for dashboards may read: everything but what is personal. Granted at each start, for a newer version may
// have made further tables; a rebuild keeps it.
import { Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { contents } from "./Tables.ts"

const role = "carillon_reader"
const personal = [contents.name]

/** Nothing where there is no such role: see deploy/postgres/roles.sql. */
export const grantReaders = Effect.gen(function* () {
  const { transaction } = yield* Postgres
  yield* transaction((query) =>
    Effect.gen(function* () {
      // Several ledgers may start at once.
      yield* query("SELECT pg_advisory_xact_lock(hashtext('carillon.migrations'))")
      const statements = yield* query<{ readonly statement: string }>(
        `SELECT format('GRANT SELECT ON carillon.%I TO ${role}', relname) AS statement
         FROM pg_class, pg_roles
         WHERE rolname = $1 AND relnamespace = 'carillon'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
           AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
           AND NOT relname = ANY($2) AND NOT has_table_privilege(pg_roles.oid, pg_class.oid, 'SELECT')`,
        [role, personal]
      )
      if (statements.length === 0) return
      yield* query(`GRANT USAGE ON SCHEMA carillon TO ${role}`)
      for (const { statement } of statements) yield* query(statement)
      yield* Effect.logInfo(`${role} may read ${statements.length} more tables`)
    })
  )
})
