// Services killed with -9 between publish and acknowledge: nothing is lost, nothing doubled. In mid-call: test/gateway.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { ackLosingProxy } from "../support/proxies/AckLosingProxy.ts"
import { eventsOf, forgetDuplicates, pendingTimers, unsettled } from "../support/Streams.ts"

const ids = Array.from({ length: 20 }, (_, index) => `m-${index}`)

/** What each has said of a message when it has done its work. */
const says = { scheduler: "scheduled", dispatcher: "dispatched", "telegram-gateway": "sent" } as const

/** The service does its work, NATS never hears that it did, and the service is gone. */
const killedBeforeAcknowledging = (name: keyof typeof says, options: { readonly windowGone: boolean }) =>
  Effect.gen(function* () {
    const { nats, database, phones, services, environment } = yield* carillon()
    const proxy = yield* ackLosingProxy(nats.url)
    const victim = yield* serviceProcess(name, { ...environment, NATS_URL: proxy.url })
    const others = Object.entries(services).filter(([other]) => other !== name)
    yield* Effect.forEach([victim, ...others.map(([, service]) => service)], (service) => service.start, {
      concurrency: "unbounded"
    })
    if (options.windowGone) yield* forgetDuplicates(nats.url)
    yield* proxy.loseAcks
    yield* publishPlainly(
      nats.url,
      ids.map((id) => command(id, 2_500))
    )
    // What was acknowledged in vain comes again, and is acknowledged again: that alone does not tell that all was done.
    const said = eventsOf(nats.url, `carillon.event.${says[name]}.>`)
    yield* eventually("its work done", said, ({ length }) => length >= ids.length)
    yield* eventually("unacknowledged", Effect.sync(proxy.lost), (lost) => lost >= ids.length)
    yield* victim.kill9
    yield* services[name].start
    const count = Effect.map(
      database.query("select status from carillon.scheduled_messages"),
      (rows) => rows.filter(({ status }) => status === "sent").length
    )
    yield* eventually("all sent", count, (sent) => sent === ids.length)
    // Everything that was unacknowledged has come again and is settled before we count.
    yield* eventually("nothing left unacknowledged", unsettled(nats.url), (left) => left === 0)
    assert.deepStrictEqual(phones.received.map(({ text }) => text).sort(), ids.map((id) => `text of ${id}`).sort())
    const attempts = yield* database.query("select * from carillon.message_delivery_attempts")
    assert.strictEqual(attempts.length, ids.length)
  })

describe("killed between publish and acknowledge", () => {
  for (const name of ["scheduler", "dispatcher", "telegram-gateway"] as const) {
    it.live(`the ${name} loses nothing and doubles nothing`, () =>
      killedBeforeAcknowledging(name, { windowGone: false })
    )
    it.live(`the ${name} doubles nothing even when NATS has forgotten what it saw`, () =>
      killedBeforeAcknowledging(name, { windowGone: true })
    )
  }

  it.live("a scheduler that rescheduled leaves each message the one timer that it set", () =>
    Effect.gen(function* () {
      const { nats, services, environment } = yield* carillon({ services: ["scheduler"] })
      const proxy = yield* ackLosingProxy(nats.url)
      const victim = yield* serviceProcess("scheduler", { ...environment, NATS_URL: proxy.url })
      yield* victim.start
      const timers = pendingTimers(nats.url)
      yield* publishPlainly(
        nats.url,
        ids.map((id) => command(id, 3_600_000))
      )
      yield* eventually("armed", timers, ({ length }) => length === ids.length)
      yield* proxy.loseAcks
      const dueAt = "2035-01-01T09:00:00.000Z"
      yield* publishPlainly(
        nats.url,
        ids.map((id) => ({ subject: "carillon.command.reschedule", payload: JSON.stringify({ id, dueAt }) }))
      )
      // The commands, and the changes that they became.
      yield* eventually("its work done, unacknowledged", Effect.sync(proxy.lost), (lost) => lost >= 2 * ids.length)
      yield* victim.kill9
      yield* services.scheduler.start
      yield* eventually("nothing left unacknowledged", unsettled(nats.url), (left) => left === 0)
      assert.lengthOf(yield* timers, ids.length)
      assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rescheduled.*"), ids.length)
      assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.rejected.>"), [])
    })
  )
})
