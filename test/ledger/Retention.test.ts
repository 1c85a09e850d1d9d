// What is deleted by age, and what is not.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { prune } from "../../services/ledger/erasure/Prune.ts"
import { retention } from "../../services/ledger/erasure/Retention.ts"
import { circuitOpened, held, livesOf, refused, scheduled, sent } from "./Histories.ts"
import { world } from "./World.ts"

const day = 86_400_000
const keep = { contents: 30 * day, records: 400 * day }
const never = { contents: undefined, records: undefined }

const filled = Effect.gen(function* () {
  const all = yield* world
  yield* all.append(livesOf("m", 34))
  yield* all.append([scheduled("held"), held("held"), refused(undefined), circuitOpened("default")])
  yield* all.ledger
  yield* all.projected
  const open = (yield* all.postgres.query<{ readonly id: string }>(
    "SELECT id FROM carillon.scheduled_messages WHERE status IN ('pending', 'processing') ORDER BY id"
  )).map(({ id }) => id)
  return {
    ...all,
    open,
    prune: (kept: Parameters<typeof prune>[0], days: number) =>
      Effect.provideContext(prune(kept, Date.now() + days * day), all.services)
  }
})

describe("retention", () => {
  it.live("takes text and address some days after a message has ended, never of one that has not, and no record", () =>
    Effect.gen(function* () {
      const { open, postgres, prune, rows } = yield* filled
      const before = yield* rows
      assert.deepStrictEqual(yield* prune(keep, 29), { contents: 0, records: 0 })
      assert.deepStrictEqual(yield* rows, before)
      const done = yield* prune(keep, 31)
      assert.deepStrictEqual(done, { contents: before.contents.length - open.length, records: 0 })
      const left = yield* postgres.query<{ readonly id: string }>(
        "SELECT message_id AS id FROM carillon.message_contents ORDER BY 1"
      )
      assert.deepStrictEqual(
        left.map(({ id }) => id),
        open
      )
      const { contents: _, ...records } = yield* rows
      const { contents: __, ...recordsBefore } = before
      assert.deepStrictEqual(records, recordsBefore)
      assert.deepStrictEqual(yield* prune(keep, 31), { contents: 0, records: 0 })
    })
  )

  it.live(
    "takes whole records when they are old, and what belongs to no message, but never one that has not ended",
    () =>
      Effect.gen(function* () {
        const { count, open, prune, rows, sums } = yield* filled
        const before = yield* count("scheduled_messages")
        const { hourly, daily } = yield* sums
        // Due in November 2026: old enough by their own time, and by when they ended.
        const done = yield* prune(keep, 420)
        assert.isAtLeast(done.records, before - open.length)
        const left = (yield* rows) as unknown as Record<string, ReadonlyArray<Record<string, unknown>>>
        assert.sameMembers(left.messages?.map(({ id }) => id) ?? [], open)
        for (const table of ["contents", "attempts", "timeline"])
          for (const row of left[table] ?? []) assert.include(open, row.messageId, table)
        assert.deepStrictEqual(yield* prune(keep, 420), { contents: 0, records: 0 })
        // The trends outlive them.
        assert.deepInclude(yield* sums, { hourly, daily })
      })
  )

  it.live("deletes each row once when several ledgers prune, page by page, while the projection goes on", () =>
    Effect.gen(function* () {
      const { append, ledger, postgres, projected, services } = yield* world
      yield* ledger
      yield* postgres.query(
        `INSERT INTO carillon.scheduled_messages (id, status, due_at, attempts, possible_duplicate, metadata, recorded_at, updated_at)
         SELECT 'old-' || n, CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'sent' END, now(), 1, false, '{}', now(), now()
         FROM generate_series(1, 2000) n`
      )
      yield* postgres.query(
        `INSERT INTO carillon.message_contents SELECT id, '{}', '{}' FROM carillon.scheduled_messages`
      )
      const one = Effect.provideContext(prune(keep, Date.now() + 31 * day), services)
      const feed = append(Array.from({ length: 300 }, (_, n) => [scheduled(`new-${n}`), sent(`new-${n}`)]).flat())
      const [first, second] = yield* Effect.all([one, one, feed], { concurrency: "unbounded" })
      yield* projected
      const again = yield* one
      const [sum] = yield* postgres.query<{ readonly n: number }>(
        "SELECT count(*) AS n FROM carillon.message_contents WHERE message_id LIKE 'old-%'"
      )
      assert.strictEqual(sum?.n, 200)
      assert.strictEqual(first.contents + second.contents + again.contents, 1_800 + 300)
    })
  )

  it.live("of nothing deletes nothing", () =>
    Effect.gen(function* () {
      const { prune, rows } = yield* filled
      const before = yield* rows
      yield* prune(never, 10_000)
      assert.deepStrictEqual(yield* rows, before)
    })
  )

  const configured = (settings: Record<string, string>) =>
    Effect.provideService(retention, ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(settings))

  it.effect("is thirty days for text and address, and for ever for records, unless said otherwise", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* configured({}), { contents: 30 * day, records: undefined })
      const other = { CONTENT_RETENTION_DAYS: "none", RECORD_RETENTION_DAYS: "0.5" }
      assert.deepStrictEqual(yield* configured(other), { contents: undefined, records: day / 2 })
      for (const bad of ["0", "-1", "soon", "Infinity"]) {
        const error = yield* Effect.flip(configured({ RECORD_RETENTION_DAYS: bad }))
        assert.include(error.message, "RECORD_RETENTION_DAYS")
      }
    })
  )
})
