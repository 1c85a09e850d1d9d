// A command about a series that is carried out a second time as if for the first: its scheduler's machine was suspended with
// the command in hand, and another replica did it meanwhile.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer } from "effect"
import type { SeriesCommandName } from "#shared/contract/series/SeriesCommands.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { settling, unsendable } from "#shared/platforms/Platforms.ts"
import { changeSeries } from "../../services/scheduler/series/SeriesCommands.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { natsForTest } from "../support/Layers.ts"
import { natsClient } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { storedSeries } from "../support/Streams.ts"

const daily = {
  recurrence: { cron: "0 9 * * *" },
  timeZone: "Europe/Berlin",
  platform: "telegram",
  recipient: { chatId: "1" },
  content: { type: "text", text: "text of medicine" }
}

/** The series that had this command carried out twice. */
const twice = Effect.fnUntraced(function* (name: SeriesCommandName, body: object = {}) {
  const { layer, nats } = yield* natsForTest
  return yield* Effect.gen(function* () {
    yield* provision([consumers.schedulerCommands])
    const client = yield* natsClient(nats.url)
    const mailbox = yield* Effect.promise(() => jetstream(client).consumers.get("COMMANDS", "scheduler"))
    const taken = Effect.fnUntraced(function* (name: SeriesCommandName, body: object) {
      const payload = JSON.stringify({ id: "medicine", ...body })
      yield* publishPlainly(nats.url, [{ subject: `carillon.command.${name}`, payload }])
      const delivery = yield* Effect.promise(() => mailbox.next())
      const rules = { now: Date.now(), maxLateness: () => 60_000, settled: settling("refuse"), unsendable }
      return changeSeries(name, delivery ? [delivery] : [], rules, 60_000)
    })
    yield* yield* taken("schedule-series", daily)
    const carryOut = yield* taken(name, body)
    yield* carryOut
    yield* carryOut
    return yield* storedSeries(nats.url, "medicine")
  }).pipe(Effect.provide(Layer.provideMerge(Layer.mergeAll(Timers.layer, SeriesStore.layer), layer)))
})

describe("a command that is carried out a second time", () => {
  it.live("skips one occurrence, and not the next as well", () =>
    Effect.gen(function* () {
      assert.lengthOf((yield* twice("skip-occurrence"))?.skips as ReadonlyArray<unknown>, 1)
    })
  )

  it.live("changes a series once", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* twice("change-series", { count: 5 }), { revision: 2, left: 5 })
    })
  )
})
