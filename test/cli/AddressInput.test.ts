// An address that is in no argument: what is typed there is seen by all who may list processes.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { eventsOf } from "../support/Streams.ts"

const far = ["--at", "2031-01-01T09:00:00Z"]

describe("an address from standard input", () => {
  it.live("is whom the message goes to, of which only the first line is taken", () =>
    Effect.gen(function* () {
      const { environment, nats, start } = yield* carillon({ services: ["scheduler"] })
      yield* start
      const run = cli(environment)
      const scheduled = yield* run(
        ["schedule", "--id", "typed", "--to", "-", "--text", "hello", ...far],
        " 4711 \nmore\n"
      )
      assert.strictEqual(scheduled.code, 0, scheduled.err)
      const [event] = yield* eventsOf(nats.url, "carillon.event.scheduled.>")
      assert.deepInclude(event?.message, { recipient: { chatId: "4711" } })

      const none = yield* run(["schedule", "--to", "-", "--text", "hello", ...far], "\n")
      assert.deepStrictEqual([none.code, none.err.includes("the address is empty")], [2, true])
      const both = yield* run(["schedule", "--to", "-", "--text", "-", ...far], "4711\nhello")
      assert.deepStrictEqual([both.code, both.err.includes("cannot read standard input")], [2, true])
      assert.strictEqual((yield* eventsOf(nats.url, "carillon.event.scheduled.>")).length, 1)
    })
  )
})
