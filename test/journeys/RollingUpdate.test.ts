// Every service replaced while messages come in and go out, as a rolling update does it: the new process is ready before the
// old one is told to go. Each with its own credentials of NATS, and no right to make streams.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Fiber } from "effect"
import type { ServiceName } from "#shared/service/Services.ts"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { guarded, violations } from "../security/Guarded.ts"
import { command, eventually } from "../support/Carillon.ts"
import { webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { outboxSql } from "../table-bridge/World.ts"

const services = ["scheduler", "dispatcher", "telegram-gateway", "webhook-gateway", "ledger", "table-bridge"] as const

describe("every service replaced under load, a new process beside the old", () => {
  it.live("loses nothing and sends nothing twice", () =>
    Effect.gen(function* () {
      const receiver = yield* webhookReceiver()
      const all = yield* guarded({
        services,
        environment: {
          WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
          WEBHOOK_ALLOW_PRIVATE: "yes",
          WEBHOOK_ALLOW_HTTP: "yes",
          OUTBOX_POLL_MILLIS: "100"
        }
      })
      const { database, keys, phones, runAs } = all
      yield* database.query(outboxSql)
      assert.strictEqual((yield* runAs("provisioner")(["nats", "provision"])).code, 0)
      yield* all.start

      const js = jetstream(yield* all.connectAs("clinic"), { timeout: 10_000 })
      const publish = (id: string, more: object) =>
        Effect.promise(() => js.publish("carillon.command.schedule", command(id, 1_500, more).payload))
      let rounds = 0
      let enough = false
      const load = Effect.gen(function* () {
        for (let round = 0; !enough; rounds = ++round) {
          yield* publish(`telegram-${round}`, { recipient: { chatId: String(100 + (round % 7)) } })
          yield* publish(`webhook-${round}`, {
            platform: "webhook",
            recipient: { url: `${receiver.root}/${round % 3}` }
          })
          yield* database.query(
            `select carillon.schedule_message('outbox-${round}', '200300', 'text of outbox-${round}', now() + interval '1 second')`
          )
          yield* Effect.sleep("50 millis")
        }
      })
      const loading = yield* Effect.forkScoped(load)

      const replaced = new Map<ServiceName, Effect.Success<ReturnType<typeof serviceProcess>>>()
      const outputs: Array<() => string> = []
      const replace = Effect.fnUntraced(function* (name: ServiceName) {
        const old = replaced.get(name) ?? all.services[name]
        const next = yield* serviceProcess(name, { ...all.environment, ...keys.environmentOf(name) })
        yield* next.start
        assert.strictEqual(yield* old.stop, 0, `${name}: ${old.output().slice(-2_000)}`)
        outputs.push(old.output)
        replaced.set(name, next)
      })
      yield* Effect.forEach(services, replace)
      // And all at once, as when one upgrade brings a new version of each.
      yield* Effect.forEach(services, replace, { concurrency: "unbounded" })
      enough = true
      yield* Fiber.join(loading)

      const ids = ["telegram", "webhook", "outbox"].flatMap((kind) =>
        Array.from({ length: rounds }, (_, round) => `${kind}-${round}`)
      )
      const sent = database.query("select id from carillon.scheduled_messages where status = 'sent'")
      yield* eventually("all of them sent", sent, ({ length }) => length === ids.length)
      const arrived = [
        ...phones.received.map(({ text }) => text.replace("text of ", "")),
        ...receiver.taken.map(({ post }) => post.id)
      ]
      assert.deepStrictEqual(arrived.sort(), ids.sort())
      const attempts = yield* database.query(
        "select count(*)::int as n from carillon.message_delivery_attempts where attempt > 1 or possible_duplicate"
      )
      // A machine that is so slow that a gateway lost its lease on the way is another matter: then nobody can know.
      if (!outputs.some((output) => output().includes("no longer active"))) assert.deepStrictEqual(attempts, [{ n: 0 }])
      assert.deepStrictEqual(violations(yield* all.serverLog), [])
      for (const output of outputs) assert.notInclude(output(), '"level":"error"')
    })
  )
})
