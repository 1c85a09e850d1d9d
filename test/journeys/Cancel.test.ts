// Cancelling at the very moment of firing: the answer and what happens are always the same.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { natsClient } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"

const races = 500

/** Answers how many cancellations won, of messages that are due so many milliseconds one after the other. */
const race = (round: string, apartMillis: number) =>
  Effect.gen(function* () {
    const { nats, database, phones, start } = yield* carillon({ environment: { TIMER_LEAD_MILLIS: "0" } })
    yield* start
    const client = yield* natsClient(nats.url)
    const ids = Array.from({ length: races }, (_, index) => `${round}-${index}`)
    const firesAt = (index: number) => (100 + index) * apartMillis
    const begun = Date.now()
    yield* publishPlainly(
      nats.url,
      ids.map((id, index) => command(id, firesAt(index)))
    )
    const answers = yield* Effect.forEach(
      ids,
      (id, index) =>
        // Timers fire within 250 ms of their instant: the cancellations come all over that time, and a little around it.
        Effect.delay(
          Effect.promise(async () => {
            const reply = await client.request("carillon.api.cancel", JSON.stringify({ id }), { timeout: 60_000 })
            return (reply.json() as { readonly status: string }).status
          }),
          Math.max(0, begun + firesAt(index) - 300 + ((index * 37) % 560) - Date.now())
        ),
      { concurrency: "unbounded" }
    )
    const cancelled = ids.filter((_, index) => answers[index] === "cancelled")
    const tooLate = ids.filter((_, index) => answers[index] === "rejected")
    const ended = Effect.map(
      database.query("select id, status from carillon.scheduled_messages where status in ('sent', 'cancelled')"),
      (rows) => new Map(rows.map(({ id, status }) => [id as string, status as string]))
    )
    const statuses = yield* eventually("every one ended", ended, (found) => found.size === races)
    const arrived = new Set(phones.received.map(({ text }) => text.replace("text of ", "")))
    assert.deepStrictEqual([...cancelled, ...tooLate].sort(), [...ids].sort())
    assert.deepStrictEqual([...arrived].sort(), [...tooLate].sort())
    for (const id of cancelled) assert.strictEqual(statuses.get(id), "cancelled")
    for (const id of tooLate) assert.strictEqual(statuses.get(id), "sent")
    return cancelled.length
  }).pipe(Effect.scoped)

describe("cancel racing with firing", () => {
  it.live("never gives both a cancelled record and a send, and answers what happened", () =>
    Effect.gen(function* () {
      // A machine that is behind with all of it has nothing that could be cancelled: then slower, else it is no race.
      for (const apartMillis of [15, 30, 60]) {
        const won = yield* race(`race-${apartMillis}`, apartMillis)
        if (won > 0 && won < races) return
      }
      assert.fail("it was no race")
    })
  )
})
