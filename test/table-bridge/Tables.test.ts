// What is asked of the application's tables before a bridge begins, on a real Postgres: that no row can stand for another.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import type { Bridge } from "../../services/table-bridge/BridgeConfig.ts"
import { check } from "../../services/table-bridge/Health.ts"
import { migrate } from "../../services/table-bridge/Migration.ts"
import { open } from "../../services/table-bridge/Open.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { bridgeOf, configuration, tables } from "./World.ts"

/** The application's tables and more of them, not bridged yet. */
const application = Effect.fnUntraced(function* (more: string) {
  const database = yield* testDatabase
  yield* database.query(tables)
  yield* database.query(more)
  const inside = <A, E>(effect: Effect.Effect<A, E, Postgres>) =>
    Effect.provide(effect, Postgres.layerWithoutWaiting).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ DATABASE_URL: database.url, DATABASE_POOL_SIZE: "2" })
      )
    )
  /** Why it is not bridged, or nothing. */
  const refusal = (bridge: Bridge) =>
    inside(migrate(bridge, { dryRun: true })).pipe(
      Effect.as(""),
      Effect.catchTag("BridgeRefused", ({ problem }) => Effect.succeed(problem))
    )
  return { database, inside, refusal }
})

const withMessages = (more: object) => bridgeOf({ messages: { ...configuration.messages, ...more } })
const withPatients = (more: object) => bridgeOf({ patients: { ...configuration.patients, ...more } })

describe("an id", () => {
  it.live("that may stand in several rows is refused: one of them would be sent for another", () =>
    Effect.gen(function* () {
      const { database, inside, refusal } = yield* application(`
        CREATE TABLE patient_contacts (patient_id uuid, kind text, telegram_chat_id bigint, PRIMARY KEY (patient_id, kind));
        CREATE UNIQUE INDEX ON patient_contacts (patient_id) WHERE kind = 'main';
        CREATE UNIQUE INDEX ON patient_contacts ((patient_id::text));
        CREATE INDEX ON patient_contacts (patient_id);
        CREATE TABLE tenant_messages (LIKE scheduled_messages INCLUDING ALL, tenant int);
        ALTER TABLE tenant_messages DROP CONSTRAINT tenant_messages_pkey, ADD PRIMARY KEY (tenant, id);
        CREATE TABLE parents (LIKE patients INCLUDING ALL);
        CREATE TABLE children () INHERITS (parents);
        CREATE VIEW seen AS SELECT * FROM patients;
        CREATE TABLE covered (id uuid, telegram_chat_id bigint);
        CREATE UNIQUE INDEX ON covered (id) INCLUDE (telegram_chat_id);
        CREATE TABLE parted (LIKE scheduled_messages, PRIMARY KEY (id)) PARTITION BY HASH (id);`)
      const contacts = withPatients({ table: "patient_contacts", id: "patient_id" })
      for (const [bridge, problem] of [
        [contacts, '"public"."patient_contacts" has no unique index on patient_id alone'],
        [withMessages({ table: "tenant_messages" }), '"public"."tenant_messages" has no unique index on id alone'],
        [
          withPatients({ table: "scheduled_messages", id: "patient_id", addresses: { chatId: "note" } }),
          "patient_id alone"
        ],
        [withPatients({ table: "parents" }), '"public"."parents" has children'],
        [withPatients({ table: "seen" }), '"public"."seen" is no table']
      ] as const)
        assert.include(yield* refusal(bridge), problem)
      assert.strictEqual(yield* refusal(bridgeOf()), "")
      assert.strictEqual(yield* refusal(withPatients({ table: "covered" })), "")
      assert.strictEqual(yield* refusal(withMessages({ table: "parted" })), "")
      // An index can be lost after a migration.
      yield* inside(migrate(bridgeOf()))
      yield* inside(open(bridgeOf()))
      yield* database.query("ALTER TABLE patients DROP CONSTRAINT patients_pkey CASCADE")
      const lost = yield* Effect.flip(inside(open(bridgeOf())))
      assert.include((lost as Error).message, '"public"."patients" has no unique index on id alone')
    })
  )
})

describe("the statement of a bridge", () => {
  it.live(
    "is tried before it begins: columns of types that cannot be joined are told, and not found by the first row",
    () =>
      Effect.gen(function* () {
        const { database, inside, refusal } = yield* application(
          "ALTER TABLE scheduled_messages DROP CONSTRAINT scheduled_messages_patient_id_fkey"
        )
        yield* inside(migrate(bridgeOf()))
        yield* database.query(
          "ALTER TABLE scheduled_messages DISABLE TRIGGER USER; ALTER TABLE scheduled_messages ALTER patient_id TYPE bigint USING 1"
        )
        const problem = 'column patient_id is of type bigint, and id of "public"."patients" of type uuid'
        assert.include(yield* refusal(bridgeOf()), problem)
        const [tables] = yield* inside(check(bridgeOf()))
        assert.deepInclude(tables, { check: "tables", ok: false })
        assert.include(tables?.detail, problem)
      })
  )
})

describe("a bridge of an older version", () => {
  it.live("gets the columns that came since when it is migrated again", () =>
    Effect.gen(function* () {
      const { database, inside } = yield* application("")
      yield* inside(migrate(bridgeOf()))
      const columns = database.query(
        `SELECT table_name, column_name, column_default, is_nullable FROM information_schema.columns
         WHERE table_schema = 'carillon_bridge' ORDER BY 1, 2`
      )
      const whole = yield* columns
      yield* database.query(
        "ALTER TABLE carillon_bridge.bridges DROP COLUMN swept_at; ALTER TABLE carillon_bridge.tracked DROP COLUMN renewed"
      )
      yield* inside(migrate(bridgeOf()))
      assert.deepStrictEqual(yield* columns, whole)
    })
  )
})
