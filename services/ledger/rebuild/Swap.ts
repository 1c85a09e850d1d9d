// Puts rebuilt tables in the place of those that are read. In one transaction: readers see the old rows until it commits.
import { Effect } from "effect"
import type { Query } from "#shared/postgres/Postgres.ts"
import { tables } from "../projection/Tables.ts"

/** Views and other things of the operator that would be lost with the old tables. */
export const dependents = (query: Query) =>
  Effect.map(
    query<{ readonly name: string }>(
      `SELECT DISTINCT rule.ev_class::regclass::text AS name
       FROM pg_depend JOIN pg_rewrite rule ON rule.oid = pg_depend.objid AND pg_depend.classid = 'pg_rewrite'::regclass
       WHERE pg_depend.refobjid = ANY($1::regclass[]) ORDER BY name`,
      [tables.map((table) => `carillon.${table}`)]
    ),
    (rows) => rows.map(({ name }) => name)
  )

/** Rights that were granted on the old tables are granted on the new ones. */
export const swapTables = Effect.fn("ledger.swapTables")(function* (query: Query) {
  const all = tables.map((table) => `carillon.${table}`).join(", ")
  yield* query(`LOCK TABLE ${all} IN ACCESS EXCLUSIVE MODE`)
  const grants = yield* query<{ readonly statement: string }>(
    `SELECT format('GRANT %s ON carillon.%I TO %s%s', privilege_type, relname,
       CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
       CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
     FROM pg_class, aclexplode(relacl) WHERE oid = ANY($1::regclass[]) AND grantee <> relowner`,
    [tables.map((table) => `carillon.${table}`)]
  )
  yield* query(`DROP TABLE ${all}`)
  for (const table of tables) yield* query(`ALTER TABLE carillon_rebuild.${table} SET SCHEMA carillon`)
  for (const { statement } of grants) yield* query(statement)
  yield* query("DROP SCHEMA carillon_rebuild CASCADE")
})
