// Finds in the database what a bridge needs, or says what a person must do.
import { Effect, Option } from "effect"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import { type Bridge, bridgeFile, readBridge } from "./BridgeConfig.ts"
import { BridgeRefused } from "./BridgeRefused.ts"
import { exists } from "./database/Catalogue.ts"
import { table } from "./database/Sql.ts"
import { userTables } from "./database/UserTables.ts"
import type { Open } from "./rows/Look.ts"

/** None: the service does nothing but publish the outbox. */
export const configured = Effect.flatMap(
  bridgeFile.given,
  Option.match({ onNone: () => Effect.succeed(undefined), onSome: readBridge })
)

export const requireOutbox = Effect.fnUntraced(function* (query: Query) {
  if (yield* exists(query, "carillon_outbox.commands")) return
  return yield* new BridgeRefused({
    problem: "There is no outbox in this database: run deploy/postgres/outbox.sql in it, or carillon bridge migrate."
  })
})

/** Rows that a policy hides would look deleted, and their messages be cancelled. */
const requireSight = Effect.fnUntraced(function* (query: Query, { messages, patients }: Bridge) {
  for (const one of [messages, patients]) {
    const [found] = yield* query<{ readonly hidden: boolean }>("SELECT row_security_active($1::regclass) AS hidden", [
      table(one)
    ])
    if (found?.hidden) {
      return yield* new BridgeRefused({
        problem: `Row-level security hides rows of ${table(one)} from this user: give it BYPASSRLS, or use the owner of the table.`
      })
    }
  }
})

const find = Effect.fnUntraced(function* (query: Query, { name }: Bridge) {
  const [known] = (yield* exists(query, "carillon_bridge.bridges"))
    ? yield* query<{ readonly key: string }>("SELECT key FROM carillon_bridge.bridges WHERE name = $1 AND active", [
        name
      ])
    : []
  return known
})

/** Then what waits in the outbox, as for the rows that were cancelled with it, is still to be published. */
export const wasUndone = Effect.fnUntraced(function* (query: Query, { name }: Bridge) {
  if (!(yield* exists(query, "carillon_bridge.bridges"))) return false
  const found = yield* query("SELECT name FROM carillon_bridge.bridges WHERE name = $1 AND NOT active", [name])
  if (found.length === 0) return false
  yield* Effect.logWarning(
    `The bridge ${name} was undone: only the outbox is published. Run carillon bridge migrate and restart, or leave ${bridgeFile.key} out.`
  )
  return true
})

/** To look, not to write: the tables need not be migrated yet. */
export const peek = Effect.fn("bridge.peek")(function* (bridge: Bridge) {
  const { query } = yield* Postgres
  const known = yield* find(query, bridge)
  if (known) return yield* open(bridge)
  const tables = yield* userTables(query, bridge, false)
  yield* requireSight(query, bridge)
  return { bridge, key: "", tables } satisfies Open
})

export const open = Effect.fn("bridge.open")(function* (bridge: Bridge) {
  const { query } = yield* Postgres
  yield* requireOutbox(query)
  const known = yield* find(query, bridge)
  if (!known) {
    return yield* new BridgeRefused({
      problem: `The bridge ${bridge.name} is not in this database yet: run carillon bridge migrate.`
    })
  }
  const tables = yield* userTables(query, bridge)
  yield* requireSight(query, bridge)
  return { bridge, key: known.key, tables } satisfies Open
})
