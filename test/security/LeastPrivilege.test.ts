// Every service with the permissions of its own role: all that it is for goes on working, and nothing is tried that it may not.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { command, eventually, statusOf } from "../support/Carillon.ts"
import { shows } from "../support/Figures.ts"
import { webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { outboxSql } from "../table-bridge/World.ts"
import { guarded, violations } from "./Guarded.ts"

const services = ["scheduler", "dispatcher", "telegram-gateway", "webhook-gateway", "ledger", "table-bridge"] as const

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`

describe("services with the least that they need", () => {
  it.live("bring every kind of work to its end, and no log tells of a permission violated", () =>
    Effect.gen(function* () {
      const refuse = new Set(["dead"])
      const receiver = yield* webhookReceiver()
      const all = yield* guarded({
        services,
        processes: ["scheduler"],
        environment: {
          RETRY_TIERS: "2x1s",
          WEBHOOK_SECRET: secret,
          WEBHOOK_ALLOW_PRIVATE: "yes",
          WEBHOOK_ALLOW_HTTP: "yes",
          OUTBOX_POLL_MILLIS: "100",
          WATCHDOG_SECONDS: "2"
        },
        answer: ({ text }) =>
          refuse.has(text.replace("text of ", ""))
            ? Reply.ApiError({ code: 400, description: "Bad Request: message is too long" })
            : undefined
      })
      const { database, phones, runAs } = all
      yield* database.query(outboxSql)
      const provisioned = yield* runAs("provisioner")(["nats", "provision"])
      assert.strictEqual(provisioned.code, 0, provisioned.err)
      yield* all.start

      const clinic = yield* all.connectAs("clinic")
      const js = jetstream(clinic, { timeout: 10_000 })
      const ask = (name: string, body: object) =>
        Effect.promise(() => clinic.request(`carillon.api.${name}`, JSON.stringify(body), { timeout: 20_000 }))
      const json = (one: { readonly payload: string }) => JSON.parse(one.payload) as object
      const store = (one: { readonly subject: string; readonly payload: string }) =>
        Effect.promise(() => js.publish(one.subject, one.payload))
      const operator = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        const ended = yield* runAs("operator")(args)
        const why = [args.join(" "), ended.err, ended.out, ...violations(yield* all.serverLog)].join("\n")
        assert.strictEqual(ended.code, 0, why)
        return ended
      })
      const until = (id: string, status: string) =>
        eventually(`${id} is ${status}`, statusOf(database, id), (found) => found === status)

      // From publisher to row, by both doors, alone and many at once.
      yield* store(command("plain", 0))
      const accepted = yield* ask("schedule", json(command("asked", 500)))
      assert.strictEqual((accepted.json() as { readonly status: string }).status, "accepted")
      for (let n = 0; n < 30; n++) clinic.publish("carillon.command.schedule", command(`many-${n}`, 500).payload)
      yield* store(command("post", 0, { platform: "webhook", recipient: { url: `${receiver.root}/in` } }))
      for (const id of ["plain", "asked", "many-29", "post"]) yield* until(id, "sent")

      // A change, and a cancel.
      yield* ask("schedule", json(command("later", 3_600_000)))
      yield* ask("reschedule", { id: "later", dueAt: new Date(Date.now() + 7_200_000).toISOString() })
      yield* ask("cancel", { id: "later" })
      yield* until("later", "cancelled")

      // A series.
      yield* ask("schedule-series", {
        id: "medicine",
        recurrence: { every: "PT1M" },
        start: new Date(Date.now() + 2_000).toISOString(),
        timeZone: "Europe/Berlin",
        count: 1,
        platform: "telegram",
        recipient: { chatId: "100200300" },
        content: { type: "text", text: "medicine" }
      })
      yield* eventually(
        "an occurrence was sent",
        database.query("select status from carillon.scheduled_messages where id like 'medicine-%'"),
        (rows) => rows[0]?.status === "sent"
      )
      assert.match((yield* operator("series", "list")).out, /medicine/)

      // A dead letter, redriven.
      yield* store(command("dead", 0))
      yield* until("dead", "failed")
      assert.match((yield* operator("dead", "list")).out, /dead/)
      refuse.clear()
      yield* operator("dead", "redrive", "dead")
      yield* until("dead", "sent")

      // A file.
      const folder = yield* temporaryFolder("file")
      const leaflet = join(folder, "leaflet.pdf")
      writeFileSync(leaflet, "leaflet ".repeat(40_000))
      yield* operator("files", "put", leaflet, "--name", "leaflet.pdf")
      yield* store(
        command("file", 0, { content: { type: "document", file: { object: "leaflet.pdf" }, caption: "leaflet" } })
      )
      yield* until("file", "sent")
      yield* operator("files", "list")
      yield* operator("files", "remove", "leaflet.pdf")

      // A patient, who presses start, and is written to by contact.
      const created = yield* ask("create-link", { contact: "p-1", platform: "telegram" })
      const { token } = created.json() as { readonly token: string }
      phones.people("1").pressesStart(4711, token)
      yield* eventually("linked", operator("link", "list"), ({ out }) => out.includes("p-1"))
      yield* store(command("contact", 0, { recipient: { contact: "p-1" } }))
      yield* until("contact", "sent")
      yield* ask("remove-link", { contact: "p-1", platform: "telegram" })

      // From the outbox of a database.
      yield* database.query("select carillon.schedule_message('outbox', '100200300', 'Hello', now())")
      yield* until("outbox", "sent")

      // What operators do, and what they look at.
      yield* operator("pause", "telegram")
      yield* operator("resume", "telegram")
      yield* operator("queues")
      yield* operator("show", "plain")
      yield* operator("rearm", "plain")
      assert.match((yield* operator("doctor")).out, /ok +storage: .* of 8.0 GB/)
      yield* shows(all.services.scheduler, "carillon_storage_limit_bytes", 8e9)
      yield* operator("schedule", "--to", "100200300", "--text", "Hello", "--in", "1s")
      const erased = yield* runAs("eraser")(["erase", "--message", "plain"])
      assert.strictEqual(erased.code, 0, erased.err + erased.out)

      for (const name of services) assert.strictEqual(yield* all.services[name].stop, 0, name)
      // A sender that is given up, once the lease of the gateway that stopped is gone.
      yield* eventually(
        "retired",
        runAs("provisioner")(["nats", "retire", "webhook/default"]),
        ({ code, err }) => code === 0 || !err.includes("is active")
      )
      assert.notInclude((yield* operator("queues")).out, "webhook")
      assert.deepStrictEqual(violations(yield* all.serverLog), [])
      for (const name of services) {
        assert.notInclude(all.services[name].output(), "does not let us", name)
        assert.notInclude(all.services[name].output(), '"level":"error"', name)
      }
    })
  )
})
