// How Postgres answers at size: what list, show, the dashboards, the projection and the pruner touch of many rows. Plans
// depend on how rows are spread, not on how many there are beyond this: what is bounded here is at ten million too.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Postgres, type Query, type Writing } from "#shared/postgres/Postgres.ts"
import { files } from "../../deploy/grafana/generate/main.ts"
import { prune } from "../../services/ledger/erasure/Prune.ts"
import { writeEvents } from "../../services/ledger/projection/Batch.ts"
import { begin } from "../../services/ledger/projection/Checkpoint.ts"
import { recomputed } from "../../services/ledger/projection/RollupTables.ts"
import { tables } from "../../services/ledger/projection/Tables.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { eventually } from "../support/Carillon.ts"
import { livesOf } from "./Histories.ts"
import { world } from "./World.ts"

const size = 200_000

/** Due over two years, one of them to come; one in a hundred failed, one in a thousand on a rare platform or refused. */
const fill = `
INSERT INTO carillon.scheduled_messages
  (id, platform, status, due_at, sent_at, attempts, possible_duplicate, metadata, recorded_at, updated_at)
SELECT 'appt-' || md5(n::text), CASE WHEN n % 1000 = 1 THEN 'webhook' ELSE 'telegram' END,
  CASE WHEN n % 1000 = 2 THEN 'rejected' WHEN n % 2 = 1 THEN 'pending' WHEN n % 100 = 4 THEN 'failed' ELSE 'sent' END,
  CASE WHEN n % 1000 = 2 THEN NULL WHEN n % 2 = 1 THEN now() + n * interval '157 seconds' ELSE now() - n * interval '157 seconds' END,
  CASE WHEN n % 2 = 0 THEN now() - n * interval '157 seconds' END, 1, false, '{"ward": "7"}', now(), now() - n * interval '157 seconds'
FROM generate_series(1, ${size}) n;
INSERT INTO carillon.message_contents SELECT id, '{"chatId": "1"}', '{"type": "text", "text": "x"}' FROM carillon.scheduled_messages;
INSERT INTO carillon.message_delivery_attempts (message_id, attempt, outcome, possible_duplicate)
SELECT id, 1, 'sent', false FROM carillon.scheduled_messages WHERE status = 'sent';
INSERT INTO carillon.message_events
SELECT id || '.' || type, id, type, 1, now(), updated_at, 1, '{}' FROM carillon.scheduled_messages, unnest(ARRAY['scheduled', 'sent']) type;
INSERT INTO carillon.message_events
SELECT 'circuit-' || n, '', 'circuit-changed', NULL, now(), now() - n * interval '1 hour', 1, '{}' FROM generate_series(1, 2000) n;
${(["hourly", "daily"] as const).map((grain) => `INSERT INTO carillon.message_rollups_${grain} ${recomputed("carillon", grain)};`).join("\n")}
ANALYZE ${tables.map((table) => `carillon.${table}`).join(", ")}`

interface Node {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly "Actual Rows"?: number
  readonly "Actual Loops"?: number
  readonly "Rows Removed by Filter"?: number
  readonly Plans?: ReadonlyArray<Node>
}

const nodesOf = (node: Node): ReadonlyArray<Node> => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

interface Touched {
  readonly sql: string
  readonly rows: number
  readonly scans: ReadonlyArray<string>
}

/** A Postgres that also keeps the plan of each statement that reads or writes one of the large tables. */
const explaining = Effect.fnUntraced(function* (postgres: Postgres["Service"]) {
  const plans: Array<Touched> = []
  const wrap =
    (query: Query): Query =>
    (sql, values = []) =>
      Effect.gen(function* () {
        if (!/^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)/.test(sql) || !/message/.test(sql))
          return yield* query<never>(sql, values)
        // What is explained is carried out too: a statement that changes rows must not be carried out twice.
        yield* query("SAVEPOINT explained")
        const [answer] = yield* query<{ readonly "QUERY PLAN": ReadonlyArray<{ readonly Plan: Node }> }>(
          `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
          values
        )
        yield* query("ROLLBACK TO SAVEPOINT explained")
        const scans = nodesOf(answer?.["QUERY PLAN"][0]?.Plan as Node).filter((node) => /Scan/.test(node["Node Type"]))
        plans.push({
          sql,
          rows: scans.reduce(
            (sum, node) =>
              sum + ((node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0)) * (node["Actual Loops"] ?? 1),
            0
          ),
          scans: scans.flatMap((node) =>
            node["Node Type"] === "Seq Scan" && (node["Actual Loops"] ?? 0) > 0 ? [node["Relation Name"] ?? ""] : []
          )
        })
        return yield* query<never>(sql, values)
      })
  const explained = Postgres.of({
    query: (sql, values) => postgres.transaction((query) => wrap(query)(sql, values)),
    transaction: (body) =>
      postgres.transaction((query) =>
        body(Object.assign(wrap(query), { copy: query.copy } satisfies Pick<Writing, "copy">))
      )
  })
  return { plans, explained }
})

const scope = Scope.makeUnsafe()
const fillWorld = Effect.gen(function* () {
  const all = yield* world
  yield* all.postgres.query(fill)
  const { explained, plans } = yield* explaining(all.postgres)
  const layer = Reader.layerOnPostgres.pipe(Layer.provideMerge(Layer.succeed(Postgres, explained)), Layer.fresh)
  const services = yield* Layer.build(layer)
  const [old] = yield* all.postgres.query<{ readonly id: string }>(
    "SELECT id FROM carillon.scheduled_messages WHERE status = 'failed' LIMIT 1"
  )
  return { ...all, explained, reading: Context.get(services, Reader), plans, services, id: old?.id ?? "" }
})

let made: Effect.Success<typeof fillWorld>
const filled = () => made
// Once for all of these: it takes some seconds.
beforeAll(async () => {
  made = await Effect.runPromise(Scope.provide(fillWorld, scope))
}, 180_000)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const small = (plans: Array<Touched>, what: string, most: number) => {
  assert.isAbove(plans.length, 0, what)
  for (const { rows, scans, sql } of plans.splice(0)) {
    assert.deepStrictEqual(scans, [], `${what}: reads a whole table: ${sql}`)
    assert.isAtMost(rows, most, `${what}: ${sql}`)
  }
}

describe("with two hundred thousand messages", () => {
  it.live("list reads hardly more than it shows, whatever it is asked for", () =>
    Effect.gen(function* () {
      const { plans, reading } = filled()
      const page = yield* reading.list()
      assert.strictEqual(page.length, 50)
      small(plans, "all", 60)
      const last = page.at(-1)
      const soon = fromMillis(Date.now() - 86_400_000)
      const late = fromMillis(Date.now() + 86_400_000)
      for (const [what, filter, most] of [
        ["the next page", { after: last }, 60],
        ["sent", { status: "sent" }, 60],
        ["failed", { status: "failed" }, 60],
        ["pending", { status: "pending" }, 60],
        ["refused", { status: "rejected" }, 60],
        ["a rare platform", { platform: "webhook" }, 60],
        ["a day", { dueFrom: soon, dueTo: late }, 60],
        ["what failed in a day", { status: "failed", dueFrom: soon, dueTo: late }, 60],
        ["a day of a rare platform", { platform: "webhook", dueFrom: soon, dueTo: late }, 60],
        ["nothing", { status: "read" }, 0],
        ["those without a time", { after: { id: "", dueAt: null } }, 60]
      ] as const) {
        yield* reading.list(filter as Parameters<typeof reading.list>[0])
        small(plans, what, most)
      }
    })
  )

  it.live("show reads one message", () =>
    Effect.gen(function* () {
      const { id, plans, reading } = filled()
      yield* reading.show(id, { contents: true })
      small(plans, "show", 3)
      yield* reading.timeline(id)
      small(plans, "timeline", 3)
    })
  )

  it.live("each dashboard reads the time that it is about, not the table", () =>
    Effect.gen(function* () {
      const { explained, id, plans } = filled()
      const queries = files
        .flatMap(({ text }) => [...text.matchAll(/"rawSql": ("(?:[^"\\]|\\.)*")/g)])
        .map(([, sql]) => (JSON.parse(sql ?? '""') as string).replaceAll("${id:sqlstring}", `'${id}'`))
      assert.isAbove(queries.length, 5)
      for (const sql of queries) {
        yield* explained.query(sql)
        // Thirty days are a twelfth of the half that lies behind, found in the index and then in the table.
        small(plans, sql, size / 10)
      }
    })
  )

  it.live("a batch is written without reading any table", () =>
    Effect.gen(function* () {
      const { explained, plans, postgres } = filled()
      const at = yield* begin(postgres.query, "carillon", fromMillis(0))
      const events = livesOf("m", 22)
      const recorded = events.map((event, index) => ({ event, sequence: index + 1, storedAt: fromMillis(Date.now()) }))
      // In two, so that the second one changes rows of the first.
      let from = at
      for (const half of [recorded.slice(0, events.length / 2), recorded.slice(events.length / 2)])
        from = yield* explained.transaction((query) =>
          writeEvents(query, "carillon", from, half.at(-1)?.sequence ?? 0, half)
        )
      const touching = plans.filter(({ sql }) => /^\s*(SELECT|UPDATE)/.test(sql))
      assert.isTrue(touching.some(({ sql }) => sql.startsWith("UPDATE carillon.scheduled_messages")))
      small(touching, "a batch", 2 * events.length)
    })
  )

  it.live("a step of the pruner reads a page", () =>
    Effect.gen(function* () {
      const { plans, services } = filled()
      const year = 366 * 86_400_000
      const steps = Effect.fnUntraced(function* (kept: Parameters<typeof prune>[0]) {
        plans.length = 0
        const pruning = yield* Effect.forkChild(Effect.provideContext(prune(kept, Date.now()), services))
        yield* eventually(
          "some steps",
          Effect.sync(() => plans.length),
          (n) => n > 15
        )
        yield* Fiber.interrupt(pruning)
        return plans.filter(({ sql }) => !/^DELETE/.test(sql))
      })
      // Each row of a page is looked at, its message looked up, and the row found again to be deleted.
      small(yield* steps({ contents: year / 12, records: undefined }), "contents", 6 * 500)
      small(yield* steps({ contents: undefined, records: year / 12 }), "records", 500)
    })
  )
})
