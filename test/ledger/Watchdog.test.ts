// The watchdog's rounds on real servers: whose turn it is, when it is too early to judge, and that it goes through all.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { fixedConsumers } from "#shared/nats/layout/Topology.ts"
import { advance, begin } from "../../services/ledger/projection/Checkpoint.ts"
import { project } from "../../services/ledger/projection/Project.ts"
import { newWatch, round } from "../../services/ledger/watchdog/Watchdog.ts"
import { takeTurn } from "../../services/ledger/watchdog/WatchdogRows.ts"
import { messageOf, scheduled } from "./Histories.ts"
import { world } from "./World.ts"

const config = { periodSeconds: 1, graceSeconds: 0.001, lookups: 10 }

const prepared = Effect.gen(function* () {
  const all = yield* world
  const { append, log, postgres, recorded, services } = all
  const overdue = Effect.map(recorded, (events) =>
    events.flatMap(({ event }) => (event.type === "overdue" ? [`${event.rule} ${event.id}`] : []))
  )
  /** Into the log and the tables, but for the position, by which alone the watchdog knows how far that is. */
  const write = Effect.fnUntraced(function* (events: ReadonlyArray<Event>) {
    yield* append(events)
    const stored = yield* recorded
    yield* postgres.transaction((query) => project(query, "carillon", stored))
  })
  const at = yield* begin(postgres.query, "carillon", (yield* log.extent).created)
  const catchUp = Effect.gen(function* () {
    const { last } = yield* log.extent
    yield* advance(postgres.query, "carillon", at, { ...at, sequence: last })
  })
  return {
    ...all,
    overdue,
    write,
    catchUp,
    consumers: Effect.provideContext(provision(fixedConsumers), services),
    look: (watch: ReturnType<typeof newWatch>) => Effect.provideContext(round(watch, config), services)
  }
})

describe("a round of the watchdog", () => {
  it.live("judges nothing while the ledger is behind the log, and tells what it finds twice", () =>
    Effect.gen(function* () {
      const { catchUp, consumers, look, manager, overdue, write } = yield* prepared
      yield* consumers
      yield* write([scheduled("m")])
      const watch = newWatch()
      yield* look(watch)
      yield* look(watch)
      assert.deepStrictEqual([...watch.suspects], [])
      yield* catchUp
      yield* look(watch)
      assert.deepStrictEqual([...watch.suspects.keys()], ["past-due m"])
      assert.deepStrictEqual(yield* overdue, [])
      yield* look(watch)
      assert.deepStrictEqual(yield* overdue, ["past-due m"])
      const { state } = yield* Effect.promise(() => manager.streams.info("COMMANDS", { subjects_filter: ">" }))
      assert.deepStrictEqual(state.subjects, { "carillon.command.rearm": 1 })
    })
  )

  it.live("judges nothing that a consumer which is not there may have to do", () =>
    Effect.gen(function* () {
      const { catchUp, look, overdue, write } = yield* prepared
      yield* write([scheduled("m")])
      yield* catchUp
      const watch = newWatch()
      for (let count = 0; count < 3; count++) yield* look(watch)
      assert.deepStrictEqual(yield* overdue, [])
    })
  )

  it.live("comes in turn to every message, however many wait", () =>
    Effect.gen(function* () {
      const { catchUp, consumers, look, write } = yield* prepared
      yield* consumers
      const far = Date.now() + 86_400_000
      const ids = Array.from({ length: 35 }, (_, index) => `m-${String(index).padStart(2, "0")}`)
      yield* write(
        ids.map((id, index): Event => {
          const message = { ...messageOf(id, fromMillis(far + index)), expiresAt: fromMillis(far + 86_400_000) }
          return { type: "scheduled", at: fromMillis(Date.now()), message, cause: id }
        })
      )
      yield* catchUp
      const watch = newWatch()
      const found = new Set<string>()
      for (let count = 0; count < 4; count++) {
        watch.suspects.clear()
        yield* look(watch)
        assert.isAtMost(watch.suspects.size, config.lookups)
        for (const { id } of watch.suspects.values()) found.add(id)
      }
      assert.deepStrictEqual([...found].toSorted(), ids)
    })
  )

  it.live("is one ledger's, until it has not come for three periods", () =>
    Effect.gen(function* () {
      const { postgres, services } = yield* prepared
      const turn = (holder: string) => Effect.provideContext(takeTurn(holder, 10), services)
      assert.isDefined(yield* turn("one"))
      assert.isUndefined(yield* turn("other"))
      assert.isDefined(yield* turn("one"))
      yield* postgres.query("UPDATE carillon.watchdog_rounds SET began_at = now() - interval '29 seconds'")
      assert.isUndefined(yield* turn("other"))
      yield* postgres.query("UPDATE carillon.watchdog_rounds SET began_at = now() - interval '31 seconds'")
      assert.isDefined(yield* turn("other"))
      assert.isUndefined(yield* turn("one"))
    })
  )
})
