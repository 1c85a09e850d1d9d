// Times without a zone in the application's table: taken and written by the zone that is stated, never by the machine's.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { migrate } from "../../services/table-bridge/Migration.ts"
import { open } from "../../services/table-bridge/Open.ts"
import { writeBack } from "../../services/table-bridge/outcomes/WriteBack.ts"
import { backfill } from "../../services/table-bridge/rows/Backfill.ts"
import { lookAtChanges } from "../../services/table-bridge/rows/Look.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { testNats } from "../support/servers/TestNats.ts"
import { bridgeOf, configuration, servicesOf, tables } from "./World.ts"

/** Eleven hours behind UTC. */
const zone = "Pacific/Pago_Pago"

const world = Effect.fnUntraced(function* (more: object) {
  const database = yield* testDatabase
  yield* database.query(tables)
  yield* database.query(
    `ALTER TABLE scheduled_messages ALTER send_at TYPE timestamp, ADD COLUMN zone text,
       ADD COLUMN tried_local timestamp, ADD COLUMN sent_on date;
     INSERT INTO patients (id, telegram_chat_id) VALUES ('00000000-0000-0000-0000-000000000001', NULL)`
  )
  const services = yield* servicesOf(yield* testNats, database)
  const bridge = bridgeOf({ messages: { ...configuration.messages, timeZone: "zone" }, ...more })
  return {
    database,
    bridge,
    inside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, services)
  }
})

describe("a local time", () => {
  it.live(
    "of a row without an address is not past before it is in its zone: the row is known when the address comes",
    () =>
      Effect.gen(function* () {
        const { bridge, database, inside } = yield* world({ defaults: { timeZone: zone } })
        yield* database.query(
          `INSERT INTO scheduled_messages (id, patient_id, body, send_at, zone)
         SELECT n, '00000000-0000-0000-0000-000000000001', 'x', (now() + hours * interval '1 hour') AT TIME ZONE '${zone}', zone
         FROM (VALUES (1, 3, NULL), (2, -1, NULL), (3, 3, 'Nowhere/Atlantis'), (4, -48, 'Nowhere/Atlantis')) AS t(n, hours, zone)`
        )
        yield* inside(migrate(bridge))
        const opened = yield* inside(open(bridge))
        const counts = yield* inside(backfill(opened, { onProgress: () => Effect.void }))
        assert.deepInclude(counts, { read: 4, noContact: 2, past: 2 })
        yield* database.query("UPDATE patients SET telegram_chat_id = 4711")
        yield* inside(lookAtChanges(opened))
        const scheduled = yield* database.query("SELECT message_id AS id FROM carillon_outbox.commands")
        assert.deepStrictEqual(scheduled as unknown, [{ id: "reminders-1" }])
      })
  )

  it.live.each([
    [zone, "2026-12-01 11:30:00", "2026-11-30"],
    [undefined, "2026-12-01 22:30:00", "2026-12-01"]
  ])("is written back in the configuration's zone (%s), in UTC without one", ([timeZone, tried, sent]) =>
    Effect.gen(function* () {
      const { bridge, database, inside } = yield* world({
        tracking: { lastAttemptAt: "tried_local", sentAt: "sent_on" },
        ...(timeZone === undefined ? {} : { defaults: { timeZone } })
      })
      yield* database.query(
        "ALTER TABLE scheduled_messages ALTER send_at TYPE timestamptz; INSERT INTO scheduled_messages (id, send_at) VALUES (1, now())"
      )
      yield* inside(migrate(bridge))
      yield* database.query(
        `INSERT INTO carillon_bridge.tracked (bridge, row_id, status, last_attempt_at, sent_at, dirty_since)
         VALUES ('reminders', '1', 'sent', '2026-12-01T22:30:00Z', '2026-12-01T05:00:00Z', now())`
      )
      yield* inside(Effect.flatMap(open(bridge), writeBack))
      const rows = yield* database.query(
        "SELECT tried_local::text AS tried, sent_on::text AS sent FROM scheduled_messages"
      )
      assert.deepStrictEqual(rows as unknown, [{ tried, sent }])
    })
  )
})
