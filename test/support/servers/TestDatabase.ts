// A fresh, empty database of a test's own in the one Postgres of the test run.
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import pg from "pg"
import { inject } from "vitest"

export interface Database {
  readonly url: string
  query(sql: string, parameters?: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Record<string, unknown>>>
}

/** Dropped when the scope closes. */
export const testDatabase = Effect.gen(function* () {
  const adminUrl = inject("postgresUrl")
  const name = `test_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(
    Effect.promise(() => once(adminUrl, `create database ${name}`)),
    () => Effect.promise(() => once(adminUrl, `drop database if exists ${name} with (force)`))
  )
  return yield* databaseAt(adminUrl.replace(/\/[^/]*$/, `/${name}`))
})

/** Asks a database directly, as an operator would. */
export const databaseAt = Effect.fnUntraced(function* (url: string) {
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const pool = new pg.Pool({ connectionString: url, max: 2 })
      pool.on("error", () => {})
      return pool
    }),
    (pool) => Effect.promise(() => pool.end())
  )
  const database: Database = {
    url,
    query: (sql, parameters = []) =>
      Effect.promise(() => pool.query<Record<string, unknown>>(sql, [...parameters]).then(({ rows }) => rows))
  }
  return database
})

const once = async (url: string, sql: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
