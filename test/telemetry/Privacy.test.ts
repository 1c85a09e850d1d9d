// The canary: deliveries with marked text, address and token, good and bad ones, and not one mark where it must not be.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { otlpReceiver } from "../support/OtlpReceiver.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { headersAndSubjects, unsettled } from "../support/Streams.ts"

const text = "CANARYTEXT"
const address = "777000777000"
const token = "424242:CANARYTOKEN"
const marks = [text, address, "CANARYTOKEN"]

const marked = (id: string, more: object = {}) =>
  command(id, 0, { recipient: { chatId: address }, content: { type: "text", text: `${text} of ${id}` }, ...more })

/** Telegram's own words repeat the text and the chat, as they may. */
const answers: Readonly<Record<string, Reply>> = {
  blocked: Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" }),
  markup: Reply.ApiError({ code: 400, description: `Bad Request: can't parse entities: ${text} in ${address}` }),
  html: Reply.Raw({ status: 502, body: `<html>${text} ${address}</html>` }),
  reset: Reply.Reset({}),
  slow: Reply.ApiError({ code: 429, description: `Too Many Requests ${address}`, parameters: { retry_after: 1 } })
}

const malformed = (payload: string, subject = "carillon.command.schedule") => ({ subject, payload })

describe("marked text, address and token", () => {
  it.live("reach no span, metric, log line, subject, header or error column", () =>
    Effect.gen(function* () {
      const receiver = yield* otlpReceiver
      const refused = new Set<string>()
      const all = yield* carillon({
        answer: (received) => {
          const id = received.text.split(" of ")[1] ?? ""
          if (refused.has(id)) return undefined
          refused.add(id)
          return answers[id]
        },
        environment: {
          ...receiver.environment,
          TELEGRAM_BOT_TOKEN: token,
          LOG_LEVEL: "Trace",
          RETRY_TIERS: "8x1s"
        }
      })
      const { nats, database, services } = all
      yield* all.start
      yield* publishPlainly(nats.url, [
        ...["fine", ...Object.keys(answers)].map((id) => marked(id)),
        marked("held", { unknownOutcome: "hold" }),
        marked("late", { dueAt: "2020-01-01T00:00:00Z" }),
        marked("waiting", { dueAt: "2031-01-01T00:00:00Z" }),
        {
          subject: "carillon.command.schedule-series",
          payload: JSON.stringify({
            ...{ id: "again", recurrence: { every: "PT1M" }, timeZone: "Europe/Berlin", count: 1 },
            start: new Date(Date.now() + 3_000).toISOString(),
            ...{
              platform: "telegram",
              recipient: { chatId: address },
              content: { type: "text", text: `${text} of again` }
            }
          })
        },
        malformed(
          JSON.stringify({ id: "again", content: text, recurrence: { cron: text } }),
          "carillon.command.change-series"
        ),
        malformed(`${text} ${address}`),
        malformed(`{"content":{"text":"${text}"},"recipient":{"chatId":${address}},"${text}":1}`),
        malformed(
          JSON.stringify({ id: "bad", platform: text, recipient: { chatId: `${address} ${text}` }, dueAt: text })
        ),
        malformed(`{"id":"waiting","dueAt":"${text}"}`, "carillon.command.reschedule"),
        malformed(`{"id":"${address} x"}`, "carillon.command.cancel")
      ])
      const ended = Effect.map(
        database.query(
          "select count(*) as n from carillon.scheduled_messages where status in ('sent', 'failed', 'unknown', 'expired')"
        ),
        (rows) => Number(rows[0]?.n)
      )
      yield* eventually("every delivery ended", ended, (count) => count === 9)
      yield* eventually("nothing under way", unsettled(nats.url), (left) => left === 0)
      const metrics = yield* Effect.forEach(Object.values(services), ({ url }) =>
        Effect.promise(() => fetch(`${url}/metrics`).then((response) => response.text()))
      )
      yield* Effect.forEach(Object.values(services), (service) => service.stop, { concurrency: "unbounded" })
      const columns = yield* database.query(
        `select m::text as row from carillon.scheduled_messages m union all select a::text from carillon.message_delivery_attempts a
         union all select e::text from carillon.message_events e`
      )
      const places: Readonly<Record<string, string>> = {
        spans: receiver.raw(),
        metrics: metrics.join(),
        logs: Object.values(services)
          .map(({ output }) => output())
          .join(),
        "subjects and headers": yield* headersAndSubjects(nats.url),
        columns: JSON.stringify(columns)
      }
      for (const [place, found] of Object.entries(places)) {
        assert.isAbove(found.length, 500, `${place} is empty: nothing was looked at`)
        for (const mark of marks) assert.isFalse(found.includes(mark), `${mark} in ${place}: ${around(found, mark)}`)
      }
      // The marks were really on their way.
      const kept = yield* database.query(
        "select content::text || recipient::text as kept from carillon.message_contents"
      )
      assert.isTrue(kept.every((row) => String(row.kept).includes(text) && String(row.kept).includes(address)))
    })
  )
})

const around = (found: string, mark: string) => {
  const at = found.indexOf(mark)
  return found.slice(Math.max(0, at - 80), at + 40)
}
