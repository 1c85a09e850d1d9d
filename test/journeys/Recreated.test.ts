// A consumer that somebody deleted is made anew by its service, and is given the whole log again: nothing is done twice.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deleteConsumer, eventsOf, forgetDuplicates, pendingTimers, unsettled } from "../support/Streams.ts"

const ids = Array.from({ length: 30 }, (_, index) => `m-${index}`)

/** Each to a chat of its own: one chat that is told to wait would have them wait for each other. */
const toEach = (id: string, index: number) => command(id, 0, { recipient: { chatId: String(1_000 + index) } })

const owners = {
  "telegram-gateway-default-normal": "telegram-gateway",
  "dispatcher-failures": "dispatcher",
  "scheduler-retries": "scheduler"
} as const

describe("a consumer made anew", () => {
  for (const [durable, owner] of Object.entries(owners)) {
    it.live(`${durable} repeats nothing that was done long ago`, () =>
      Effect.gen(function* () {
        const failedOnce = new Set<string>()
        const { nats, database, phones, services, start } = yield* carillon({
          answer: ({ text }, method) => {
            if (method !== "sendMessage" || failedOnce.has(text)) return undefined
            failedOnce.add(text)
            return Reply.ApiError({ code: 429, description: "wait", parameters: { retry_after: 1 } })
          }
        })
        yield* start
        yield* publishPlainly(nats.url, [...ids.map(toEach), command("later", 3_600_000)])
        const sent = database.query("select 1 from carillon.scheduled_messages where status = 'sent'")
        yield* eventually("all sent", sent, ({ length }) => length === ids.length)
        yield* forgetDuplicates(nats.url)
        yield* services[owner].kill9
        yield* deleteConsumer(nats.url, "EVENTS", durable)
        yield* services[owner].start
        yield* publishPlainly(nats.url, [command("new", 0)])
        yield* eventually("one more sent", sent, ({ length }) => length === ids.length + 1)
        yield* eventually("all settled", unsettled(nats.url), (left) => left === 0)
        assert.strictEqual(phones.received.length, ids.length + 1)
        for (const type of ["dispatched", "attempt-failed", "retry-scheduled"]) {
          const said = (yield* eventsOf(nats.url, `carillon.event.${type}.>`)).map((event) =>
            JSON.stringify([(event.message as { readonly id: string }).id, event.attempt])
          )
          assert.strictEqual(new Set(said).size, said.length, type)
        }
        assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.later"])
      })
    )
  }
})
