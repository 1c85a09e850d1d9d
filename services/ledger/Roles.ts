// What the roles beside the owner of the tables may do. Granted whenever they are made or upgraded, for a newer version
// may have further tables; a rebuild keeps it.
import { Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { contents } from "./projection/Tables.ts"

const roles = [
  // For dashboards: everything but what is personal.
  { name: "carillon_reader", may: ["SELECT"], except: [contents.name] },
  // A ledger that makes no tables.
  { name: "carillon_writer", may: ["SELECT", "INSERT", "UPDATE", "DELETE"], except: [] }
]

/** Nothing where there is no such role: see deploy/postgres/roles.sql. */
export const grantRoles = Effect.gen(function* () {
  const { transaction } = yield* Postgres
  yield* transaction((query) =>
    Effect.gen(function* () {
      // Several ledgers may start at once.
      yield* query("SELECT pg_advisory_xact_lock(hashtext('carillon.migrations'))")
      for (const { except, may, name } of roles) {
        const statements = yield* query<{ readonly statement: string }>(
          `SELECT format('GRANT ${may.join(", ")} ON carillon.%I TO ${name}', relname) AS statement
           FROM pg_class, pg_roles
           WHERE rolname = $1 AND relnamespace = 'carillon'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
             AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
             AND NOT relname = ANY($2) AND NOT has_table_privilege(pg_roles.oid, pg_class.oid, '${may.at(-1)}')`,
          [name, except]
        )
        if (statements.length === 0) continue
        yield* query(`GRANT USAGE ON SCHEMA carillon TO ${name}`)
        for (const { statement } of statements) yield* query(statement)
        yield* Effect.logInfo(`${name} may use ${statements.length} more tables`)
      }
    })
  )
})
