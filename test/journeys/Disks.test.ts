// Disks that get full or read-only in the middle of sending: who could not be served is told, everybody waits, and when
// there is room again everything that was accepted ends in one recorded outcome.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { type NotHere, smallDisk, writingOf } from "../../chaos/faults/Disks.ts"
import { giveBack, useUp } from "../../chaos/faults/StorageLimit.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { whereAllowed } from "../support/platforms/WhereAllowed.ts"
import { pendingTimers, streamCount, waitingTicks } from "../support/Streams.ts"
import { type TestNats, testNatsWith } from "../support/servers/TestNats.ts"

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`)

/** What publishers are told: those that were stored, by their ids, and what the others were answered. */
const publish = (url: string, ids: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: url })
    const js = jetstream(connection, { timeout: 2_000 })
    const fates = await Promise.all(
      ids.map((id) => {
        const { payload, subject } = command(id, 0, { maxLatenessSeconds: 600 })
        return js.publish(subject, payload).then(
          () => ({ id, error: undefined }),
          (error: Error) => ({ id, error: error.message })
        )
      })
    )
    await connection.close()
    return fates
  })

/** Sending goes on when the fault begins, timers come due during it, and it ends when both have been met by it. */
const survives = Effect.fnUntraced(function* (
  nats: TestNats,
  begin: Effect.Effect<unknown, NotHere>,
  end: Effect.Effect<unknown, NotHere>
) {
  const environment = {
    TELEGRAM_MESSAGES_PER_SECOND: "20",
    WATCHDOG_SECONDS: "1",
    WATCHDOG_GRACE_SECONDS: "11",
    RETRY_TIERS: "20x1s"
  }
  const { database, phones, services, start } = yield* carillon({ nats, environment })
  yield* start
  const [now, soon] = [numbered("now", 200), numbered("soon", 20)]
  const soonMillis = 8_000
  const soonAt = Date.now() + soonMillis
  yield* publishPlainly(nats.url, [
    ...now.map((id) => command(id, 0)),
    ...soon.map((id) => command(id, soonMillis, { recipient: { chatId: "7" } }))
  ])
  yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length >= soon.length)
  const arrived = Effect.sync(() => phones.received.length)
  yield* eventually("some arrived", arrived, (count) => count > 20)
  yield* begin
  const ready = Effect.promise(() => fetch(`${services["telegram-gateway"].url}/readyz`).then(({ ok }) => ok))
  yield* eventually("the gateway to say that it cannot work", ready, (ok) => !ok)
  const fates = yield* publish(nats.url, numbered("refused", 20))
  const refused = fates.filter(({ error }) => error !== undefined)
  assert.isNotEmpty(refused)
  yield* eventually(
    "timers past their time",
    Effect.sync(() => Date.now() > soonAt + 500),
    (past) => past
  )
  const before = phones.received.length
  yield* end
  const accepted = fates.filter(({ error }) => error === undefined).map(({ id }) => id)
  const ids = [...now, ...soon, ...accepted]
  const sent = Effect.map(
    database.query("select id, possible_duplicate from carillon.scheduled_messages where status = 'sent'"),
    (rows) => rows as ReadonlyArray<{ readonly id: string; readonly possible_duplicate: boolean }>
  )
  const rows = yield* eventually("all sent", sent, ({ length }) => length === ids.length)
  assert.sameMembers(
    rows.map(({ id }) => id),
    ids
  )
  yield* eventually("the gateway to be ready again", ready, (ok) => ok)
  assert.isAbove(phones.received.length, before)
  const texts = phones.received.map(({ text }) => text)
  const doubled = texts.filter((text, index) => texts.indexOf(text) !== index)
  assert.includeMembers(
    rows.filter((row) => row.possible_duplicate).map(({ id }) => `text of ${id}`),
    doubled
  )
  assert.strictEqual(yield* streamCount(nats.url, "QUARANTINE"), 0)
  // Whoever was refused asks again, and is served.
  const again = yield* publish(nats.url, ["refused-again"])
  assert.deepStrictEqual(again, [{ id: "refused-again", error: undefined }])
  yield* eventually("served", sent, ({ length }) => length === ids.length + 1)
  return refused.map(({ error }) => error)
})

describe("NATS", () => {
  it.live("that may store no more refuses, and goes on when there is room: timers that could not fire do", () =>
    Effect.gen(function* () {
      const nats = yield* testNatsWith({ maxStoreBytes: 20_000_000 })
      const told = yield* survives(nats, useUp({ servers: nats.url }), giveBack({ servers: nats.url }))
      assert.deepStrictEqual([...new Set(told)], ["insufficient resources"])
    })
  )

  it.live("that may store no more lets a series wait, which goes on when there is room", () =>
    Effect.gen(function* () {
      const nats = yield* testNatsWith({ maxStoreBytes: 20_000_000 })
      const environment = { SERIES_LEAD_SECONDS: "1", SERIES_SWEEP_SECONDS: "1", WATCHDOG_SECONDS: "0" }
      const { phones, start } = yield* carillon({ nats, environment })
      yield* start
      // So late that even a busy machine has stored the tick and filled the storage by then.
      const firesAt = Date.now() + 20_000
      const series = {
        ...JSON.parse(command("daily", 0).payload),
        dueAt: undefined,
        recurrence: { every: "P1D" },
        start: new Date(firesAt + 1_000).toISOString(),
        timeZone: "Europe/Berlin"
      }
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.schedule-series", payload: JSON.stringify(series) }
      ])
      yield* eventually("a tick to wait", waitingTicks(nats.url), ({ length }) => length === 1)
      yield* useUp({ servers: nats.url })
      assert.isBelow(Date.now(), firesAt)
      yield* eventually(
        "its time to pass",
        Effect.sync(() => Date.now() > firesAt + 500),
        (past) => past
      )
      yield* giveBack({ servers: nats.url })
      const texts = Effect.sync(() => phones.received.map(({ text }) => text))
      assert.deepStrictEqual(yield* eventually("it to arrive", texts, ({ length }) => length > 0), ["text of daily"])
    })
  )

  it.live("whose disk is full stores nothing until it is started again with room", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const disk = yield* smallDisk(yield* temporaryFolder("disk"), 32)
        const nats = yield* testNatsWith({ storeDir: `${disk.folder}/nats` })
        const room = Effect.andThen(disk.clear, Effect.andThen(nats.stop, nats.start))
        yield* survives(nats, disk.fill, room)
      })
    )
  )

  it.live("whose disk turns read-only, too", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const nats = yield* testNatsWith({})
        const { allow, forbid } = writingOf(nats.pid)
        yield* survives(nats, forbid, Effect.andThen(allow, Effect.andThen(nats.stop, nats.start)))
      })
    )
  )
})
