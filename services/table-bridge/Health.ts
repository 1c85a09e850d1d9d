// Looks a bridge over from outside: is everything in place, and how far is it.
import { Effect } from "effect"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { bad, good } from "#shared/service/Findings.ts"
import type { Bridge } from "./BridgeConfig.ts"
import { exists } from "./database/Catalogue.ts"
import { table } from "./database/Sql.ts"
import { triggerNames } from "./database/Triggers.ts"
import { open } from "./Open.ts"

/** Everything that would keep rows from being sent, each with what to do. */
export const check = Effect.fn("bridge.check")(function* (bridge: Bridge) {
  const opened = yield* open(bridge).pipe(
    Effect.as(good("tables", "are as the configuration says, and visible")),
    Effect.catchTags({
      BridgeRefused: (error) => Effect.succeed(bad("tables", error.problem)),
      UnusablePostgres: (error) => Effect.succeed(bad("tables", error.problem))
    })
  )
  if (!opened.ok) return [opened]
  return [opened, ...(yield* checkTriggers(bridge)), ...(yield* checkRights(bridge)), yield* checkListening]
})

const checkTriggers = Effect.fnUntraced(function* (bridge: Bridge) {
  const { query } = yield* Postgres
  return yield* Effect.forEach(triggerNames(bridge), ({ table: on, trigger }) =>
    Effect.map(
      query<{ readonly enabled: string }>(
        "SELECT tgenabled AS enabled FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = $2",
        [table(on), trigger]
      ),
      ([found]) => {
        const check = `trigger ${trigger}`
        if (!found) return bad(check, "is missing: run carillon bridge migrate")
        return found.enabled === "O" || found.enabled === "A"
          ? good(check, "is on")
          : bad(check, "is disabled: enable it")
      }
    )
  )
})

const checkRights = Effect.fnUntraced(function* ({ messages, patients }: Bridge) {
  const { query } = yield* Postgres
  const wanted = [
    [table(messages), "SELECT"],
    [table(messages), "UPDATE"],
    [table(patients), "SELECT"],
    ["carillon_outbox.commands", "DELETE"],
    ["carillon_bridge.tracked", "UPDATE"]
  ] as const
  return yield* Effect.forEach(wanted, ([on, right]) =>
    Effect.map(query<{ readonly may: boolean }>("SELECT has_table_privilege($1, $2) AS may", [on, right]), ([found]) =>
      found?.may ? good(`${right} on ${on}`, "granted") : bad(`${right} on ${on}`, "is not granted")
    )
  )
})

const checkListening = Effect.gen(function* () {
  const { query } = yield* Postgres
  const [found] = yield* query<{ readonly n: number }>(
    "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'carillon-listen' AND datname = current_database()"
  )
  return (found?.n ?? 0) > 0
    ? good("bridge", "a service listens")
    : good("bridge", "no service listens for NOTIFY: none runs, or it polls through a pooler")
})

export interface Status {
  readonly bridge: string
  readonly rows: Readonly<Record<string, number>>
  readonly changesWaiting: number
  readonly commandsWaiting: number
  readonly oldestCommandSeconds: number
  readonly eventsBehind: number | null
  readonly backfill: "not under way" | { readonly after: string }
}

export const status = Effect.fn("bridge.status")(function* (bridge: Bridge) {
  const { query } = yield* Postgres
  const log = yield* EventLog
  if (!(yield* exists(query, "carillon_bridge.bridges"))) return undefined
  const count = (sql: string) => Effect.map(query<{ readonly n: number }>(sql, [bridge.name]), ([row]) => row?.n ?? 0)
  const rows = yield* query<{ readonly status: string; readonly n: number }>(
    `SELECT coalesce(status, 'unknown to the bridge') AS status, count(*) AS n FROM carillon_bridge.tracked
     WHERE bridge = $1 AND NOT gone GROUP BY 1 ORDER BY 1`,
    [bridge.name]
  )
  const [outbox] = yield* query<{ readonly n: number; readonly oldest: number }>(
    `SELECT count(*) AS n, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest FROM carillon_outbox.commands`
  )
  const [at] = yield* query<{ readonly position: number }>(
    "SELECT position FROM carillon_outbox.checkpoints WHERE name = $1",
    [bridge.name]
  )
  const [known] = yield* query<{ readonly backfill: { readonly after: string } | null }>(
    "SELECT backfill FROM carillon_bridge.bridges WHERE name = $1",
    [bridge.name]
  )
  const last = yield* Effect.orElseSucceed(
    Effect.map(log.extent, (extent) => extent.last),
    () => undefined
  )
  return {
    bridge: bridge.name,
    rows: Object.fromEntries(rows.map(({ status, n }) => [status, n])),
    changesWaiting: yield* count("SELECT count(*) AS n FROM carillon_bridge.changes WHERE bridge = $1"),
    commandsWaiting: outbox?.n ?? 0,
    oldestCommandSeconds: Math.round(outbox?.oldest ?? 0),
    eventsBehind: at === undefined || last === undefined ? null : Math.max(0, last - at.position),
    backfill: known?.backfill ? { after: known.backfill.after } : "not under way"
  } satisfies Status
})
