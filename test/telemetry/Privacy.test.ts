// The canary: deliveries with marked text, address and token, good and bad ones, and not one mark where it must not be.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { metricsOf } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { otlpReceiver } from "../support/platforms/OtlpReceiver.ts"
import { eventsOf, headersAndSubjects, payloads, unsettled } from "../support/Streams.ts"

const text = "CANARYTEXT"
const address = "777000777000"
const token = "424242:CANARYTOKEN"
const marks = [text, address, "CANARYTOKEN"]
const patientsText = "CANARYCOMPLAINT"
const patientsReply = "CANARYREPLY"

const marked = (id: string, more: object = {}) =>
  command(id, 0, { recipient: { chatId: address }, content: { type: "text", text: `${text} of ${id}` }, ...more })

/** A file whose address, name, caption and button are marked. */
const file = (id: string, more: object = {}) =>
  marked(id, {
    content: {
      type: "document",
      file: { url: `https://clinic.example/${text}/${address}.pdf` },
      caption: `<b>${text}</b> of ${id}`,
      format: "html",
      buttons: [
        [
          { text, reply: "yes" },
          { text, url: `https://clinic.example/${text}` }
        ]
      ],
      ...more
    }
  })

/** Telegram's own words repeat the text and the chat, as they may. */
const answers: Readonly<Record<string, Reply>> = {
  blocked: Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" }),
  markup: Reply.ApiError({ code: 400, description: `Bad Request: can't parse entities: ${text} in ${address}` }),
  file: Reply.ApiError({ code: 400, description: `Bad Request: wrong file identifier ${text} for ${address}` }),
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
      const { nats, database, phones, services } = all
      yield* all.start
      const run = cli({ NATS_URL: nats.url, DATABASE_URL: database.url })
      const patient = Number(address)
      const people = phones.people("424242")
      const created = yield* run(["link", "create", "p-1", "--json"])
      const link = JSON.parse(created.out).token as string
      people.pressesStart(patient, link)
      people.pressesStart(patient + 1, link)
      people.pressesStart(patient, `${link.slice(1)}x`)
      people.writes(patient, `${patientsText} stop`)
      people.writes(patient, "stop", { chat: { id: address, type: patientsText } })
      people.pressesButton(patient, callbackData("fine", patientsReply))
      people.pressesButton(patient, `${patientsText}:${address}`)
      people.blocks(patient)
      people.unblocks(patient)
      people.writes(patient, "stop")
      yield* publishPlainly(nats.url, [
        ...["fine", ...Object.keys(answers).filter((id) => id !== "file")].map((id) => marked(id)),
        file("file"),
        file("file-fine"),
        file("file-missing", { file: { object: "gone.pdf" }, name: `${text}.pdf` }),
        file("file-refused", { file: { url: `https://${text}/a.pdf` } }),
        marked("held", { unknownOutcome: "hold" }),
        command("linked", 0, { recipient: { contact: "p-1" }, content: { type: "text", text } }),
        command("nobody", 0, { recipient: { contact: "p-2" }, content: { type: "text", text } }),
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
      yield* eventually("every delivery ended", ended, (count) => count === 14)
      yield* eventually("STOP", eventsOf(nats.url, "carillon.event.opted-out.*"), ({ length }) => length === 1)
      const listed = yield* run(["link", "list"])
      yield* eventually("nothing under way", unsettled(nats.url), (left) => left === 0)
      const metrics = yield* Effect.forEach(Object.values(services), metricsOf)
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
        "what the command line lists": listed.out + listed.err + "-".repeat(500),
        columns: JSON.stringify(columns)
      }
      for (const [place, found] of Object.entries(places)) {
        assert.isAbove(found.length, 500, `${place} is empty: nothing was looked at`)
        for (const mark of [...marks, link, patientsText, patientsReply])
          assert.isFalse(found.includes(mark), `${mark} in ${place}: ${around(found, mark)}`)
      }
      // A token is for whoever asked for it, and what a patient writes is for nobody: they are not kept anywhere at all.
      const stored = yield* payloads(nats.url)
      for (const mark of [link, patientsText]) assert.isFalse(stored.includes(mark), `${mark} in a payload`)
      // The marks were really on their way.
      for (const mark of [address, patientsReply]) assert.include(stored, mark)
      const said = ["recipient-linked", "reply-received", "recipient-blocked", "recipient-unblocked", "opted-out"]
      for (const type of said) assert.isNotEmpty(yield* eventsOf(nats.url, `carillon.event.${type}.*`), type)
      const kept = yield* database.query(
        "select content::text || recipient::text as kept from carillon.message_contents where recipient->'contact' is null"
      )
      assert.isTrue(kept.every((row) => String(row.kept).includes(text) && String(row.kept).includes(address)))
    })
  )
})

const around = (found: string, mark: string) => {
  const at = found.indexOf(mark)
  return found.slice(Math.max(0, at - 80), at + 40)
}
