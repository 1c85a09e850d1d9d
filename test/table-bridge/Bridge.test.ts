// A bridged table with the real services: rows become messages, changes follow, outcomes come back.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { eventually } from "../support/Carillon.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { eventsOf } from "../support/Streams.ts"
import { becomes, bridgeWorld, inHours } from "./World.ts"

const started = Effect.fnUntraced(function* (more: object = {}) {
  const world = yield* bridgeWorld(more)
  const phones = yield* startBotApiStandIn()
  const environment = {
    ...world.environment,
    TELEGRAM_BOT_TOKEN: "1:test",
    TELEGRAM_API_ROOT: phones.apiRoot,
    TELEGRAM_MESSAGES_PER_SECOND: "0",
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0"
  }
  const scheduler = yield* hostedService("scheduler", environment)
  const dispatcher = yield* hostedService("dispatcher", environment)
  const gateway = yield* hostedService("telegram-gateway", environment)
  const bridge = yield* world.service
  yield* Effect.all([scheduler.start, dispatcher.start, gateway.start, bridge.start], { concurrency: "unbounded" })
  const insert = (columns: Record<string, unknown>) =>
    Effect.map(
      world.one(`INSERT INTO scheduled_messages (patient_id, body, send_at) VALUES ($1, $2, $3) RETURNING id::text`, [
        columns.patient_id ?? world.patient,
        columns.body ?? "Take your medicine",
        columns.send_at ?? inHours(1)
      ]),
      ({ id }) => String(id)
    )
  return { ...world, phones, process: bridge, insert, environment }
})

describe("a bridged table", () => {
  it.live("sends a row once when it is due, and says so in the row", () =>
    Effect.gen(function* () {
      const { insert, phones, process, row } = yield* started()
      const id = yield* insert({ send_at: new Date(Date.now() + 3_000).toISOString() })
      yield* becomes("scheduled", row(id), { carillon_status: "pending", carillon_message_id: `reminders-${id}` })
      yield* becomes("sent", row(id), { carillon_status: "sent", carillon_attempts: 1, carillon_error: null })
      assert.deepStrictEqual(
        phones.received.map(({ chatId, text }) => [chatId, text]),
        [["4711", "Take your medicine"]]
      )
      const { carillon_sent_at, carillon_last_attempt_at } = yield* row(id)
      assert.instanceOf(carillon_sent_at, Date)
      assert.instanceOf(carillon_last_attempt_at, Date)
      assert.notInclude(process.output(), "medicine")
      assert.strictEqual(yield* process.stop, 0)
    })
  )

  it.live("moves, changes and cancels with the row", () =>
    Effect.gen(function* () {
      const { database, insert, nats, row, tracked } = yield* started()
      const id = yield* insert({})
      const events = (type: string) => eventsOf(nats.url, `carillon.event.${type}.>`)
      yield* eventually("scheduled", events("scheduled"), (found) => found.length === 1)
      const later = inHours(3)
      yield* database.query("UPDATE scheduled_messages SET send_at = $1, body = 'New text' WHERE id = $2", [later, id])
      const [moved] = yield* eventually("rescheduled", events("rescheduled"), (found) => found.length === 1)
      assert.deepInclude(moved?.message as object, { dueAt: later, content: { type: "text", text: "New text" } })
      yield* database.query("UPDATE scheduled_messages SET note = 'nothing of ours' WHERE id = $1", [id])
      yield* database.query("UPDATE scheduled_messages SET cancelled = true WHERE id = $1", [id])
      yield* becomes("cancelled", row(id), { carillon_status: "cancelled" })
      yield* database.query("UPDATE scheduled_messages SET cancelled = false WHERE id = $1", [id])
      yield* becomes("scheduled anew", row(id), {
        carillon_status: "pending",
        carillon_message_id: `reminders-${id}__2`
      })
      yield* eventually("accepted anew", tracked(id), ({ accepted }) => accepted === true)
      yield* database.query("DELETE FROM scheduled_messages WHERE id = $1", [id])
      yield* eventually("cancelled again", events("cancelled"), (found) => found.length === 2)
      assert.strictEqual((yield* events("rescheduled")).length, 1)
    })
  )

  it.live("sends to the new address, and not to the old one, when the patient's contact changes", () =>
    Effect.gen(function* () {
      const { database, insert, patient, phones, row } = yield* started()
      const id = yield* insert({ send_at: new Date(Date.now() + 8_000).toISOString() })
      yield* becomes("scheduled", row(id), { carillon_status: "pending" })
      yield* database.query("UPDATE patients SET telegram_chat_id = 815 WHERE id = $1", [patient])
      yield* becomes("sent", row(id), { carillon_status: "sent", carillon_message_id: `reminders-${id}__2` })
      assert.deepStrictEqual(
        phones.received.map(({ chatId }) => chatId),
        ["815"]
      )
    })
  )
})
