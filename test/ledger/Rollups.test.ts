// The sums by hour and day: what they hold is what the messages' rows say, however the log came, and longer than the rows.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { eventId } from "#shared/contract/CloudEvents.ts"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { migrate } from "../../services/ledger/Migrations.ts"
import { bounds, bucketOf, percentile } from "../../services/ledger/projection/Lateness.ts"
import { project } from "../../services/ledger/projection/Project.ts"
import { fold, noRows, type Rows } from "../../services/ledger/projection/Projection.ts"
import { changes, figures, keys, type RollupRow } from "../../services/ledger/projection/Rollups.ts"
import type { MessageRow } from "../../services/ledger/projection/Rows.ts"
import type { Recorded } from "../../services/ledger/projection/Timeline.ts"
import { rebuild } from "../../services/ledger/rebuild/Rebuild.ts"
import { anyLog, livesOf, partSent, rescheduled, scheduled, sent } from "./Histories.ts"
import { world } from "./World.ts"

const recorded = (events: ReadonlyArray<Event>): ReadonlyArray<Recorded> => {
  const seen = new Set<string>()
  return events
    .map((event, index) => ({ event, sequence: index + 1, storedAt: fromMillis(1_800_000_000_000 + index) }))
    .filter(({ event }) => !seen.has(eventId(event)) && seen.add(eventId(event)))
}

/** By key, without what comes to nothing. */
const total = (rows: ReadonlyArray<RollupRow>) => {
  const sums = new Map<string, Record<string, number>>()
  for (const row of rows) {
    const key = keys.map((one) => row[one]).join("|")
    const sum = sums.get(key) ?? {}
    for (const figure of figures) sum[figure] = (sum[figure] ?? 0) + row[figure]
    row.lateness.forEach((count, place) => {
      sum[`late ${place}`] = (sum[`late ${place}`] ?? 0) + count
    })
    sums.set(key, sum)
  }
  return Object.fromEntries(
    [...sums]
      .map(([key, sum]) => [key, Object.fromEntries(Object.entries(sum).filter(([, n]) => n !== 0))] as const)
      .filter(([, sum]) => Object.keys(sum).length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  )
}

const ofRows = (rows: Iterable<MessageRow>, grain: "hourly" | "daily") =>
  total(Array.from(rows).flatMap((row) => changes(new Map(), new Map([[row.id, row]]))[grain]))

describe("the sums", () => {
  it("are what the rows say, for any log however it is cut into batches", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 })
    fc.assert(
      fc.property(anyLog, sizes, fc.constantFrom("hourly" as const, "daily" as const), (events, sizes, grain) => {
        const all = recorded(events)
        const added: Array<RollupRow> = []
        let known: Rows = noRows
        for (let from = 0, turn = 0; from < all.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          const changed = fold(known, all.slice(from, from + size))
          added.push(...changes(known.messages, changed.messages)[grain])
          known = { ...known, messages: new Map([...known.messages, ...changed.messages]) }
          from += size
        }
        assert.deepStrictEqual(total(added), ofRows(known.messages.values(), grain))
      })
    )
  })

  it("move a message that is rescheduled to its new hour, and count what each part costs", () => {
    const row = (...events: ReadonlyArray<Event>) => fold(noRows, recorded(events)).messages.get("m") as MessageRow
    const before = row(scheduled("m"))
    const after = row(scheduled("m"), rescheduled("m", 7_200))
    const moved = changes(new Map([["m", before]]), new Map([["m", after]])).hourly
    assert.deepStrictEqual(
      moved.map(({ bucket, due }) => [bucket, due]),
      [
        ["2026-11-01T09:00:00.000Z", -1],
        ["2026-11-01T11:00:00.000Z", 1]
      ]
    )
    assert.deepStrictEqual(changes(new Map([["m", before]]), new Map([["m", before]])), { hourly: [], daily: [] })
    const parts = row(scheduled("m"), partSent("m"), sent("m"))
    assert.strictEqual(changes(new Map(), new Map([["m", parts]])).hourly[0]?.costUnits, 2)
  })
})

describe("lateness", () => {
  const late = fc.oneof(fc.integer({ min: -5, max: 100 }), fc.integer({ min: 0, max: 90_000_000 }))

  it("lies in the bucket that holds it", () => {
    fc.assert(
      fc.property(late, (millis) => {
        const place = bucketOf(millis)
        assert.isAtMost(bounds[place - 1] ?? Number.NEGATIVE_INFINITY, millis)
        assert.isAbove(bounds[place] ?? Number.POSITIVE_INFINITY, millis)
      })
    )
  })

  it("has percentiles that are off by at most a tenth", () => {
    fc.assert(
      fc.property(
        fc.array(late, { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 0.99, 1),
        (all, share) => {
          const counts: Array<number> = []
          for (const one of all) counts[bucketOf(one)] = (counts[bucketOf(one)] ?? 0) + 1
          const exact = Math.max(0, all.toSorted((a, b) => a - b)[Math.ceil(share * all.length) - 1] as number)
          const told = percentile(
            Array.from(counts, (count) => count ?? 0),
            share
          ) as number
          assert.isAtMost(Math.abs(told - exact), exact * 0.1)
        }
      )
    )
    assert.isUndefined(percentile([0, 0], 0.5))
  })
})

describe("the sums in Postgres", () => {
  it.live("are what the rows say, whatever the log", () =>
    Effect.gen(function* () {
      const { postgres, sums } = yield* world
      for (const events of fc.sample(fc.shuffledSubarray([...livesOf("m", 34)], { minLength: 20 }), 6)) {
        yield* postgres.query(
          "TRUNCATE carillon.scheduled_messages, carillon.message_events, carillon.message_contents"
        )
        yield* postgres.query(
          "TRUNCATE carillon.message_delivery_attempts, carillon.message_rollups_hourly, carillon.message_rollups_daily"
        )
        const all = recorded(events)
        for (let from = 0; from < all.length; from += 7)
          yield* postgres.transaction((query) => project(query, "carillon", all.slice(from, from + 7)))
        // What was said before changes nothing.
        yield* postgres.transaction((query) => project(query, "carillon", all))
        const { ofRows: wanted, ...found } = yield* sums
        assert.deepStrictEqual(found, wanted)
        const rows = fold(noRows, all).messages.values()
        assert.deepStrictEqual(total(found.hourly), ofRows(rows, "hourly"))
        assert.isAbove(found.hourly.length, 0)
      }
    })
  )

  it.live("have the buckets and percentiles of the code", () =>
    Effect.gen(function* () {
      const { postgres } = yield* world
      const [known] = yield* postgres.query<{ readonly bounds: ReadonlyArray<string> }>(
        "SELECT carillon.lateness_bounds() AS bounds"
      )
      assert.deepStrictEqual(known?.bounds.map(Number), [...bounds])
      for (const counts of fc.sample(fc.array(fc.nat(9), { minLength: 1, maxLength: bounds.length + 1 }), 40)) {
        for (const share of [0.5, 0.95, 0.99]) {
          const [row] = yield* postgres.query<{ readonly seconds: number | null }>(
            "SELECT carillon.lateness_percentile($1::integer[], $2) AS seconds",
            [counts, share]
          )
          const wanted = percentile(counts, share)
          if (wanted === undefined) assert.isNull(row?.seconds)
          else assert.closeTo(row?.seconds ?? Number.NaN, wanted / 1_000, wanted / 1e9)
        }
      }
    })
  )

  it.live("are filled in from the rows that an earlier version has left", () =>
    Effect.gen(function* () {
      const { append, ledger, postgres, projected, rows, services, sums } = yield* world
      yield* append(livesOf("m", 34))
      yield* ledger
      yield* projected
      const before = [yield* rows, yield* sums]
      yield* postgres.query(`
        DROP TABLE carillon.message_rollups_hourly, carillon.message_rollups_daily;
        ALTER TABLE carillon.scheduled_messages DROP COLUMN cost_units, DROP COLUMN possibly_arrived;
        DROP AGGREGATE carillon.sum_counts(integer[]); DROP FUNCTION carillon.add_counts;
        DROP FUNCTION carillon.lateness_bounds; DROP FUNCTION carillon.lateness_percentile;
        DELETE FROM carillon.schema_version WHERE version >= 7`)
      yield* Effect.provideContext(migrate("carillon"), services)
      assert.deepStrictEqual([yield* rows, yield* sums], before)
      yield* append([scheduled("later")])
      yield* projected
      const { ofRows, ...found } = yield* sums
      assert.deepStrictEqual(found, ofRows)
    })
  )
})

describe("a rebuild", () => {
  const filled = Effect.gen(function* () {
    const all = yield* world
    // Some are due when the log is long gone, others before it began.
    const future = livesOf("f", 17).map((event) => shifted(event, 400 * 86_400_000))
    const events = [...livesOf("m", 34), ...future]
    yield* all.append(events)
    yield* all.ledger
    yield* all.projected
    return { ...all, events, again: Effect.provideContext(rebuild({ onProgress: () => Effect.void }), all.services) }
  })

  it.live("gives the same sums, and repairs those that were spoilt where the log tells", () =>
    Effect.gen(function* () {
      const { again, postgres, sums } = yield* filled
      const before = yield* sums
      assert.deepStrictEqual({ hourly: before.hourly, daily: before.daily }, before.ofRows)
      yield* again
      assert.deepStrictEqual(yield* sums, before)
      yield* postgres.query("UPDATE carillon.message_rollups_hourly SET sent = 99 WHERE bucket > now()")
      yield* again
      assert.deepStrictEqual(yield* sums, before)
    })
  )

  it.live("keeps the sums of what is older than the log, and of messages whose records are gone", () =>
    Effect.gen(function* () {
      const { again, events, manager, postgres, sums } = yield* filled
      const { hourly, daily } = yield* sums
      for (const upTo of [40, 120, events.length]) {
        yield* Effect.promise(() => manager.streams.purge("EVENTS", { seq: upTo + 1 }))
        yield* again
        assert.deepInclude(yield* sums, { hourly, daily }, `with the first ${upTo} events gone from the log`)
      }
      yield* postgres.query("DELETE FROM carillon.scheduled_messages WHERE due_at < now() AND id < 'm-20'")
      yield* postgres.query("DELETE FROM carillon.message_events WHERE message_id < 'm-20'")
      yield* again
      const after = yield* sums
      assert.deepInclude(after, { hourly, daily })
      assert.notDeepEqual(after.ofRows.hourly, hourly)
    })
  )
})

const shifted = (event: Event, millis: number): Event =>
  JSON.parse(JSON.stringify(event), (key, value) =>
    /^(at|dueAt|previousDueAt|sentAt|sendAt|expiresAt)$/.test(key) ? fromMillis(Date.parse(value) + millis) : value
  )
