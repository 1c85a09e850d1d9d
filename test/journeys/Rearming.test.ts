// An operator asks for messages again that are not lost: whoever may still have them in hand is waited for, and none is doubled.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { holds } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deleteEvents, eventsOf, forgetDuplicates, pendingTimers, streamCount, unsettled } from "../support/Streams.ts"

const running = Effect.gen(function* () {
  const all = yield* carillon({ environment: { WATCHDOG_SECONDS: "0" }, processes: ["dispatcher", "telegram-gateway"] })
  yield* all.start
  yield* forgetDuplicates(all.nats.url)
  const run = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  const rearm = (id: string) =>
    Effect.map(run(["rearm", id, "--json"]), ({ out }) => (JSON.parse(out) as { readonly what?: string }).what)
  const { database, nats, phones } = all
  return {
    ...all,
    run,
    rearm,
    sentOnce: Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
      for (const id of ids) yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
      yield* eventually("nothing under way", unsettled(nats.url), (left) => left === 0)
      assert.deepStrictEqual(
        phones.received.map(({ text }) => text).toSorted(),
        ids.map((id) => `text of ${id}`)
      )
      assert.strictEqual((yield* database.query("select 1 from carillon.message_delivery_attempts")).length, ids.length)
    })
  }
})

describe("a message that is asked for again", () => {
  it.live("while a gateway has it in hand, even if the log has lost it, goes out once", () =>
    Effect.gen(function* () {
      const { nats, rearm, run, sentOnce, services } = yield* running
      yield* run(["pause", "telegram"])
      yield* holds(services["telegram-gateway"])
      yield* publishPlainly(nats.url, [command("kept", 0), command("lost", 0)])
      const dispatched = eventsOf(nats.url, "carillon.event.dispatched.>")
      yield* eventually("in the gateway's hands", dispatched, ({ length }) => length === 2)
      assert.strictEqual(yield* deleteEvents(nats.url, "dispatched", "lost"), 1)
      assert.strictEqual(yield* rearm("kept"), "under-way")
      assert.strictEqual(yield* rearm("lost"), "under-way")
      yield* run(["resume", "telegram"])
      yield* sentOnce("kept", "lost")
      assert.strictEqual(yield* rearm("kept"), "ended")
    })
  )

  it.live("while its timer has fired and waits for the dispatcher, goes out once", () =>
    Effect.gen(function* () {
      const { nats, rearm, sentOnce, services } = yield* running
      yield* services.dispatcher.kill9
      yield* publishPlainly(nats.url, [command("m", 0)])
      yield* eventually("fired", streamCount(nats.url, "TIMERS"), (count) => count === 1)
      assert.strictEqual(yield* rearm("m"), "under-way")
      assert.strictEqual(yield* streamCount(nats.url, "TIMERS"), 1)
      yield* services.dispatcher.start
      yield* sentOnce("m")
    })
  )

  it.live("while its timer stands, or after it was cancelled, is left as it is", () =>
    Effect.gen(function* () {
      const { nats, rearm, run } = yield* running
      yield* publishPlainly(nats.url, [command("waits", 3_600_000), command("gone", 3_600_000)])
      yield* eventually("both", pendingTimers(nats.url), ({ length }) => length === 2)
      yield* run(["cancel", "gone"])
      assert.strictEqual(yield* rearm("waits"), "waits")
      assert.strictEqual(yield* rearm("gone"), "ended")
      assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.waits"])
      assert.strictEqual((yield* run(["rearm", "nobody"])).code, 3)
    })
  )

  it.live("after it was erased, even if the log has lost how it ended, is not sent again", () =>
    Effect.gen(function* () {
      const { nats, rearm, run, sentOnce } = yield* running
      yield* publishPlainly(nats.url, [command("m", 0)])
      yield* sentOnce("m")
      assert.strictEqual((yield* run(["erase", "--message", "m"])).code, 0)
      assert.strictEqual(yield* deleteEvents(nats.url, "sent", "m"), 1)
      assert.strictEqual(yield* rearm("m"), "ended")
      yield* sentOnce("m")
    })
  )

  it.live("with an attempt that is of another message is refused", () =>
    Effect.gen(function* () {
      const { database, nats } = yield* running
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.rearm", payload: JSON.stringify({ id: "m", kept: { attempt: 1 } }) }
      ])
      const refused = database.query("select detail from carillon.message_events where type = 'rejected'")
      const [event] = yield* eventually("refused", refused, ({ length }) => length === 1)
      assert.deepInclude(event?.detail as object, {
        problems: [{ path: "kept", problem: "must be an attempt of this message" }]
      })
    })
  )
})
