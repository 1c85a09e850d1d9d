// An application at work on its table while two bridges are killed again and again, NATS too: when all is over, every row
// that was to be sent arrived once, with its last text at its last address, and nobody got anything twice.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { eventually } from "../support/Carillon.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { bridgeWorld, inHours } from "./World.ts"

const rows = 120

/** Each row lives its own life; what comes of it in the end is known from the start. */
const kinds = ["plain", "edited", "moved", "cancelled", "deleted", "readdressed", "revived"] as const

describe("a bridged table in trouble", () => {
  it.live(
    "sends each row once, with two bridges killed in turn and NATS killed once",
    () =>
      Effect.gen(function* () {
        const { database, environment, nats } = yield* bridgeWorld()
        const phones = yield* startBotApiStandIn()
        const all = {
          ...environment,
          TELEGRAM_BOT_TOKEN: "1:test",
          TELEGRAM_API_ROOT: phones.apiRoot,
          TELEGRAM_MESSAGES_PER_SECOND: "0",
          TELEGRAM_CHAT_MESSAGES_PER_SECOND: "0"
        }
        const [scheduler, dispatcher, gateway, one, other] = yield* Effect.all([
          hostedService("scheduler", all),
          hostedService("dispatcher", all),
          hostedService("telegram-gateway", all),
          serviceProcess("table-bridge", all),
          serviceProcess("table-bridge", all)
        ])
        yield* Effect.all(
          [scheduler, dispatcher, gateway, one, other].map(({ start }) => start),
          {
            concurrency: "unbounded"
          }
        )
        // Everybody has two addresses: 1000 + n at first, 2000 + n later.
        yield* database.query(
          "INSERT INTO patients (name, telegram_chat_id) SELECT n, 1000 + n FROM generate_series(1, $1::int) n",
          [rows]
        )
        const insert = (n: number) =>
          database.query(
            `INSERT INTO scheduled_messages (id, patient_id, body, send_at) SELECT $1::int, id, 'first ' || $1::int, $2 FROM patients WHERE name = $1::text`,
            [n, inHours(2)]
          )
        const sql = (text: string, n: number) => database.query(text, [n])
        const change = (n: number) => {
          switch (kinds[n % kinds.length]) {
            case "plain":
              return Effect.void
            case "edited":
              return sql("UPDATE scheduled_messages SET body = 'second ' || id WHERE id = $1", n)
            case "moved":
              return sql(
                "UPDATE scheduled_messages SET send_at = send_at + interval '3 seconds', body = 'second ' || id WHERE id = $1",
                n
              )
            case "cancelled":
              return sql("UPDATE scheduled_messages SET cancelled = true WHERE id = $1", n)
            case "deleted":
              return sql("DELETE FROM scheduled_messages WHERE id = $1", n)
            case "readdressed":
              return sql("UPDATE patients SET telegram_chat_id = telegram_chat_id + 1000 WHERE name = $1::text", n)
            default:
              return Effect.andThen(
                sql("UPDATE scheduled_messages SET cancelled = true WHERE id = $1", n),
                sql("UPDATE scheduled_messages SET cancelled = false, body = 'second ' || id WHERE id = $1", n)
              )
          }
        }
        const application = Effect.gen(function* () {
          for (let n = 1; n <= rows; n++) {
            yield* insert(n)
            if (n > 10) yield* change(n - 10)
          }
          for (let n = rows - 9; n <= rows; n++) yield* change(n)
        })
        const kills = Effect.gen(function* () {
          for (const bridge of [one, other, one, other]) yield* Effect.andThen(bridge.kill9, bridge.start)
          yield* Effect.andThen(nats.kill9, nats.start)
          yield* Effect.all([Effect.andThen(one.kill9, one.start), Effect.andThen(other.kill9, other.start)], {
            concurrency: "unbounded"
          })
        })
        yield* Effect.all([application, kills], { concurrency: "unbounded" })
        const expected = Array.from({ length: rows }, (_, index) => index + 1).flatMap((n) => {
          const kind = kinds[n % kinds.length]
          if (kind === "cancelled" || kind === "deleted") return []
          const text = kind === "plain" || kind === "readdressed" ? "first" : "second"
          return [`${kind === "readdressed" ? 2000 + n : 1000 + n} ${text} ${n}`]
        })
        // The time comes for all of them, and the killing goes on.
        yield* database.query("UPDATE scheduled_messages SET send_at = now() + interval '3 seconds'")
        for (const bridge of [one, other]) yield* Effect.andThen(bridge.kill9, bridge.start)
        yield* eventually(
          "all sent",
          Effect.sync(() => phones.received.length),
          (count) => count >= expected.length
        )
        yield* eventually(
          "every row has ended",
          database.query(
            `SELECT count(*) FILTER (WHERE carillon_status IN ('sent', 'cancelled', 'inactive'))::int AS ended, count(*)::int AS n,
               string_agg(DISTINCT carillon_status, ' ') AS statuses FROM scheduled_messages`
          ),
          ([row]) => row?.ended === row?.n
        )
        assert.sameMembers(
          phones.received.map(({ chatId, text }) => `${chatId} ${text}`),
          expected
        )
        const [sent] = yield* database.query(
          "SELECT count(*)::int AS n FROM scheduled_messages WHERE carillon_status = 'sent' AND carillon_sent_at IS NOT NULL"
        )
        assert.strictEqual(sent?.n, expected.length)
        assert.notMatch(one.output() + other.output(), /first|second/)
      }),
    400_000
  )
})
