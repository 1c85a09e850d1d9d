// The scheduler as other systems see it: by request and reply, and by the events that follow.
import { assert, describe, it } from "@effect/vitest"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import { commandNames } from "#shared/contract/Commands.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { attemptOf } from "../support/Attempts.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { natsLayerFor } from "../support/Layers.ts"
import { natsClient } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, pendingTimers, purgeSubject, streamCount, unsettled } from "../support/Streams.ts"

const hour = 3_600_000
const wanted = (id: string, dueInMillis: number, more: object = {}) =>
  JSON.parse(command(id, dueInMillis, more).payload)

const withScheduler = Effect.gen(function* () {
  const all = yield* carillon()
  yield* all.services.scheduler.start
  yield* all.services.dispatcher.start
  const client = yield* natsClient(all.nats.url)
  return { nats: all.nats, url: all.nats.url, ask: asker(client), client, output: all.services.scheduler.output }
})

interface Answer extends Record<string, unknown> {
  readonly problems?: ReadonlyArray<{ readonly path: string; readonly problem: string }>
}

const asker = (client: NatsConnection) => (name: "schedule" | "cancel" | "reschedule", body: unknown) =>
  Effect.promise(async (): Promise<Answer> => {
    const reply = await client.request(`carillon.api.${name}`, JSON.stringify(body), { timeout: 10_000 })
    return {
      ...(reply.json() as Record<string, unknown>),
      error: reply.headers?.get("Nats-Service-Error-Code") || undefined
    }
  })

describe("scheduling", () => {
  it.live("is answered with the due instant in UTC, and arms one timer", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const reply = yield* ask("schedule", {
        ...wanted("zoned", 0),
        dueAt: "2035-07-01T09:00:00",
        timeZone: "Europe/Berlin"
      })
      assert.deepInclude(reply, { status: "accepted", dueAt: "2035-07-01T07:00:00.000Z", duplicate: false })
      assert.deepStrictEqual(yield* pendingTimers(url), ["carillon.timer.pending.zoned"])
    })
  )

  it.live("works ten years ahead", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const dueAt = new Date(Date.now() + 3_650 * 24 * hour).toISOString()
      assert.deepInclude(yield* ask("schedule", { ...wanted("far", 0), dueAt }), { status: "accepted", dueAt })
      assert.deepStrictEqual(yield* pendingTimers(url), ["carillon.timer.pending.far"])
    })
  )

  it.live("the same again changes nothing; other content under the id is refused, naming what differs", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const first = wanted("same", hour)
      yield* ask("schedule", first)
      assert.deepInclude(yield* ask("schedule", first), { status: "accepted", duplicate: true })
      const other = yield* ask("schedule", { ...first, content: { type: "text", text: "other" }, priority: "urgent" })
      assert.deepInclude(other, { status: "rejected", error: "400" })
      assert.deepStrictEqual(
        other.problems?.map(({ path }) => path),
        ["content", "priority"]
      )
      assert.strictEqual((yield* eventsOf(url, "carillon.event.scheduled.>")).length, 1)
      assert.strictEqual((yield* eventsOf(url, "carillon.event.rejected.*")).length, 1)
    })
  )

  it.live("an id is used once, whatever the platform: the second is refused, naming it", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      yield* ask("schedule", wanted("shared", hour))
      const other = { platform: "webhook", recipient: { url: "https://clinic.example/hook" } }
      const reply = yield* ask("schedule", wanted("shared", hour, other))
      assert.deepInclude(reply, { status: "rejected" })
      assert.include(reply.problems?.map(({ path }) => path) ?? [], "platform")
      assert.lengthOf(yield* eventsOf(url, "carillon.event.scheduled.>"), 1)
      assert.lengthOf(yield* pendingTimers(url), 1)
    })
  )

  it.live("an id that waits for longer than the log is kept stands for the message that waits", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const first = wanted("aged", hour)
      yield* ask("schedule", first)
      yield* purgeSubject(url, "EVENTS", "carillon.event.>")
      assert.deepInclude(yield* ask("schedule", first), { status: "accepted", duplicate: true })
      // Within the lead too: it would go out at once, and the first as well in an hour.
      for (const dueAt of [wanted("aged", 2 * hour).dueAt, wanted("aged", 0).dueAt]) {
        const reply = yield* ask("schedule", { ...first, dueAt, content: { type: "text", text: "other" } })
        assert.deepStrictEqual(
          reply.problems?.map(({ path }) => path),
          ["content", "dueAt"]
        )
      }
      assert.deepStrictEqual(yield* eventsOf(url, "carillon.event.scheduled.>"), [])
      assert.lengthOf(yield* pendingTimers(url), 1)
      assert.strictEqual(yield* streamCount(url, "TIMERS"), 1)
    })
  )

  it.live("an id that waited for so long stays taken when its message is sent or cancelled", () =>
    Effect.gen(function* () {
      const { ask, nats, url } = yield* withScheduler
      const old = { possibleDuplicate: true, scheduledAt: new Date(Date.now() - 40 * 24 * hour).toISOString() }
      const [due, off] = [wanted("due", 0, { maxLatenessSeconds: 3_600 }), wanted("off", hour)]
      const attempts = [due, off].map(({ maxLatenessSeconds: _, ...message }) =>
        attemptOf({ ...message, expiresAt: new Date(Date.parse(message.dueAt) + hour).toISOString() }, old)
      )
      yield* Effect.flatMap(Timers, ({ arm }) => arm(attempts.map((attempt) => ({ attempt })))).pipe(
        Effect.provide(Timers.layer.pipe(Layer.provide(natsLayerFor(nats.configProvider))))
      )
      // Nobody knows what became of a first try: so it is said, also to who asks again.
      for (const _ of ["first", "again"])
        assert.deepInclude(yield* ask("cancel", { id: "off" }), { status: "cancelled", possiblyArrived: true })
      const marks = eventsOf(url, "carillon.event.scheduled.>")
      const found = yield* eventually("kept", marks, ({ length }) => length === 2)
      for (const { message, used } of found) {
        assert.isTrue(used)
        assert.deepInclude(message as object, { recipient: { chatId: "0" }, content: { type: "text", text: "erased" } })
      }
      assert.deepInclude(yield* ask("schedule", due), { duplicate: true })
      assert.deepInclude(yield* ask("schedule", off), { status: "rejected" })
      assert.deepStrictEqual(yield* pendingTimers(url), [])
      assert.lengthOf(yield* eventsOf(url, "carillon.event.dispatched.>"), 1)
      assert.deepInclude(yield* ask("schedule", { ...due, priority: "urgent" }), { status: "rejected" })
    })
  )

  it.live("a time in the past is sent at once while in time, else expired", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const late = yield* ask("schedule", wanted("late", -60_000, { maxLatenessSeconds: 120 }))
      assert.notProperty(late, "expired")
      const tooLate = yield* ask("schedule", wanted("too-late", -60_000, { maxLatenessSeconds: 30 }))
      assert.deepInclude(tooLate, { status: "accepted", expired: true })
      const ended = Effect.all([
        eventsOf(url, "carillon.event.dispatched.>"),
        eventsOf(url, "carillon.event.expired.*")
      ])
      const [dispatched, expired] = yield* eventually("both", ended, (both) => both.every(({ length }) => length === 1))
      assert.deepInclude(dispatched[0]?.message as object, { id: "late" })
      assert.deepInclude(expired[0], { id: "too-late" })
    })
  )

  it.live("refuses with every problem at once", () =>
    Effect.gen(function* () {
      const { ask } = yield* withScheduler
      const reply = yield* ask("schedule", { id: "a b", platform: "fax", content: { type: "text", text: "" } })
      const paths = reply.problems?.map(({ path }) => path)
      for (const path of ["id", "platform", "recipient", "content.text", "dueAt"]) assert.include(paths ?? [], path)
    })
  )
})

describe("cancelling", () => {
  it.live("takes the timer away, and again is the same answer", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      yield* ask("schedule", wanted("gone", hour))
      assert.deepInclude(yield* ask("cancel", { id: "gone", reason: "moved" }), { status: "cancelled" })
      assert.deepStrictEqual(yield* pendingTimers(url), [])
      const cancelled = eventsOf(url, "carillon.event.cancelled.*")
      const events = yield* eventually("the event", cancelled, ({ length }) => length === 1)
      assert.deepInclude(events[0], { id: "gone", reason: "moved" })
      assert.deepInclude(yield* ask("cancel", { id: "gone" }), { status: "cancelled" })
      assert.deepInclude(yield* ask("schedule", wanted("gone-2", hour)), { status: "accepted" })
    })
  )

  it.live("tells an unknown id from one that is too late", () =>
    Effect.gen(function* () {
      const { ask } = yield* withScheduler
      yield* ask("schedule", wanted("fired", 0))
      const late = yield* ask("cancel", { id: "fired" })
      assert.match(JSON.stringify(late.problems), /too late/)
      const unknown = yield* ask("cancel", { id: "never-heard-of" })
      assert.match(JSON.stringify(unknown.problems), /unknown/)
    })
  )

  it.live("a cancelled message stays cancelled when its command comes again, which is said", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const first = wanted("stays", hour)
      yield* ask("schedule", first)
      yield* ask("cancel", { id: "stays" })
      const again = yield* ask("schedule", first)
      assert.deepInclude(again, { status: "rejected", id: "stays" })
      assert.match(JSON.stringify(again.problems), /cancelled: use another id/)
      // Who waits for no answer may be an outbox that was killed: it is not told that its row was refused.
      yield* publishPlainly(url, [{ subject: "carillon.command.schedule", payload: JSON.stringify(first) }])
      yield* eventually("carried out", unsettled(url), (left) => left === 0)
      assert.lengthOf(yield* eventsOf(url, "carillon.event.rejected.*"), 1)
      assert.deepStrictEqual(yield* pendingTimers(url), [])
    })
  )
})

describe("rescheduling", () => {
  it.live("replaces the timer and says what it was before", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      const first = wanted("moved", hour)
      yield* ask("schedule", first)
      const dueAt = new Date(Date.now() + 2_500).toISOString()
      assert.deepInclude(yield* ask("reschedule", { id: "moved", dueAt }), { status: "rescheduled", dueAt })
      const events = yield* eventsOf(url, "carillon.event.rescheduled.*")
      assert.deepInclude(events[0], { previousDueAt: first.dueAt })
      const again = { status: "accepted", duplicate: true, dueAt }
      assert.deepInclude(yield* ask("schedule", first), again)
      const dispatched = yield* eventually(
        "fired at the new time",
        eventsOf(url, "carillon.event.dispatched.>"),
        ({ length }) => length === 1
      )
      assert.deepInclude(dispatched[0], { sendAt: dueAt })
      assert.deepInclude(yield* ask("schedule", first), again)
    })
  )

  it.live("refuses what makes no sense and keeps the old timer", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler
      yield* ask("schedule", wanted("kept", hour))
      assert.deepInclude(yield* ask("reschedule", { id: "kept", dueAt: "tomorrow" }), { status: "rejected" })
      assert.deepStrictEqual(yield* pendingTimers(url), ["carillon.timer.pending.kept"])
    })
  )
})

describe("the front door", () => {
  it.live("is a NATS micro service that tools can find", () =>
    Effect.gen(function* () {
      const { client } = yield* withScheduler
      const info = yield* Effect.promise(async () => (await client.request("$SRV.INFO.carillon", "")).json())
      const { endpoints } = info as { readonly endpoints: ReadonlyArray<{ readonly subject: string }> }
      assert.sameMembers(
        endpoints.map(({ subject }) => subject),
        commandNames.map((name) => `carillon.api.${name}`)
      )
    })
  )

  it.live("answers only inboxes, so that nobody can have it publish elsewhere", () =>
    Effect.gen(function* () {
      const { ask, client, output, url } = yield* withScheduler
      const heard: Array<string> = []
      const subscription = client.subscribe("private.>", { callback: (_, message) => void heard.push(message.subject) })
      for (let n = 0; n < 3; n++)
        client.publish("carillon.api.schedule", JSON.stringify(wanted("sly", hour)), { reply: "private.subject" })
      yield* eventually("scheduled", eventsOf(url, "carillon.event.scheduled.>"), ({ length }) => length === 1)
      yield* ask("schedule", wanted("after", hour))
      assert.deepStrictEqual(heard, [])
      // Who waits there waits in vain, and may schedule it twice: whoever runs this is told why, once for many.
      const lines = output()
        .split("\n")
        .filter((line) => line.includes("must begin with _INBOX"))
      assert.lengthOf(lines, 1)
      assert.include(lines[0], '"level":"warn"')
      assert.notInclude(output(), "private.subject")
      subscription.unsubscribe()
    })
  )
})
