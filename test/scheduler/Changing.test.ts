// Many commands to cancel and reschedule at once: they are carried out side by side, and come to what they would one by one.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { type NatsConnection, headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { Event, Message } from "#shared/contract/Events.ts"
import { eventMessage } from "#shared/nats/messages/Publisher.ts"
import { attemptOf } from "../support/Attempts.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { natsClient, withManager } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, pendingTimers, unsettled } from "../support/Streams.ts"
import { heldByAnother } from "../support/servers/HeldByAnother.ts"

const hour = 3_600_000
const change = (name: "cancel" | "reschedule", body: object) => ({
  subject: `carillon.command.${name}`,
  payload: JSON.stringify(body)
})
const cancel = (id: string) => change("cancel", { id })
const reschedule = (id: string, dueAt: string) => change("reschedule", { id, dueAt })
const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`)

const say = (client: NatsConnection, event: Event) => {
  const { headers: given, payload, subject } = eventMessage(event, "scheduler")
  const headers = natsHeaders()
  for (const [name, value] of Object.entries(given)) headers.set(name, value)
  return Effect.promise(() => jetstream(client).publish(subject, payload, { headers }))
}

const waiting = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const all = yield* carillon()
  yield* all.start
  const { nats, services } = all
  yield* publishPlainly(
    nats.url,
    ids.map((id) => command(id, hour))
  )
  yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length === ids.length)
  return {
    ...all,
    heldByAnother: (held: ReturnType<typeof cancel>) => heldByAnother(all, held),
    /** As many of them as there can be are in one batch. */
    atOnce: Effect.fnUntraced(function* (commands: ReadonlyArray<ReturnType<typeof cancel>>) {
      yield* services.scheduler.stop
      yield* publishPlainly(nats.url, commands)
      yield* services.scheduler.start
      yield* eventually("all carried out", unsettled(nats.url), (left) => left === 0)
    })
  }
})

describe("many changes at once", () => {
  it.live("of one message the last counts, whatever the others are about", () =>
    Effect.gen(function* () {
      const ids = named("moved", 20)
      const { atOnce, database, nats } = yield* waiting(ids)
      const instants = [1, 2, 3].map((day) => `2035-01-0${day}T09:00:00.000Z`)
      yield* atOnce(instants.flatMap((dueAt) => ids.map((id) => reschedule(id, dueAt))))
      assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rescheduled.>"), ids.length * instants.length)
      const due = Effect.map(database.query("select distinct due_at from carillon.scheduled_messages"), (rows) =>
        rows.map((row) => (row.due_at as Date).toISOString())
      )
      yield* eventually("as the last one said", due, (found) => found.length === 1 && found[0] === instants[2])
      assert.lengthOf(yield* pendingTimers(nats.url), ids.length)
    })
  )

  it.live("one that comes back after a later one is refused: the later one stands", () =>
    Effect.gen(function* () {
      const { database, heldByAnother, nats, services } = yield* waiting(["m"])
      const [earlier, later] = ["2035-01-01T09:00:00.000Z", "2035-01-02T09:00:00.000Z"]
      const { inHand } = yield* heldByAnother(reschedule("m", earlier))
      yield* publishPlainly(nats.url, [reschedule("m", later)])
      yield* services.scheduler.start
      const changes = eventsOf(nats.url, "carillon.event.rescheduled.>")
      yield* eventually("the later one", changes, ({ length }) => length === 1)
      inHand?.nak()
      const refused = eventsOf(nats.url, "carillon.event.rejected.>")
      const [event] = yield* eventually("the earlier one", refused, ({ length }) => length === 1)
      assert.deepInclude(event, {
        id: "m",
        problems: [{ path: "id", problem: "is of a message that a later command has rescheduled since" }]
      })
      yield* eventually("settled", unsettled(nats.url), (left) => left === 0)
      assert.lengthOf(yield* changes, 1)
      yield* eventually(
        "the later one in the tables",
        database.query("select due_at from carillon.scheduled_messages"),
        ([row]) => (row?.due_at as Date | undefined)?.toISOString() === new Date(later).toISOString()
      )
    })
  )

  it.live(
    "one that comes back after a later one is refused also when that one's timer has fired, and waits for another try",
    () =>
      Effect.gen(function* () {
        const { heldByAnother, nats, services } = yield* waiting(["m"])
        const dueAt = "2035-01-01T09:00:00.000Z"
        const { client, inHand } = yield* heldByAnother(reschedule("m", dueAt))
        const [scheduled] = yield* eventsOf(nats.url, "carillon.event.scheduled.>")
        const message = { ...(scheduled?.message as Message), dueAt, expiresAt: dueAt }
        // The timer that stands is of another try: it does not say who changed it.
        const cause = `command-${(inHand?.seq ?? 0) + 1}-${(inHand?.time.getTime() ?? 0) + 1}`
        yield* say(client, { type: "rescheduled", at: dueAt, message, previousDueAt: dueAt, cause })
        yield* services.scheduler.start
        inHand?.nak()
        const [event] = yield* eventually(
          "refused",
          eventsOf(nats.url, "carillon.event.rejected.>"),
          ({ length }) => length === 1
        )
        assert.deepInclude(event, {
          id: "m",
          problems: [{ path: "id", problem: "is of a message that a later command has rescheduled since" }]
        })
        assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rescheduled.*"), 1)
      })
  )

  it.live("one that was carried out and comes back is not refused, though its message is cancelled since", () =>
    Effect.gen(function* () {
      const { heldByAnother, nats, services } = yield* waiting(["m"])
      const dueAt = "2035-01-01T09:00:00.000Z"
      const { client, inHand } = yield* heldByAnother(reschedule("m", dueAt))
      const cause = `command-${inHand?.seq}-${inHand?.time.getTime()}`
      const [scheduled] = yield* eventsOf(nats.url, "carillon.event.scheduled.>")
      const message = { ...(scheduled?.message as Message), dueAt, expiresAt: dueAt }
      // What the other said that has it in hand.
      yield* say(client, { type: "rescheduled", at: dueAt, message, previousDueAt: dueAt, cause })
      yield* publishPlainly(nats.url, [cancel("m")])
      yield* services.scheduler.start
      yield* eventually("cancelled", eventsOf(nats.url, "carillon.event.cancelled.*"), ({ length }) => length === 1)
      inHand?.nak()
      yield* eventually("settled", unsettled(nats.url), (left) => left === 0)
      assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.rejected.>"), [])
      assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.rescheduled.*"), 1)
    })
  )

  for (const [refused, saidBefore] of [
    ["unknown", false],
    ["too late", true]
  ] as const) {
    it.live(`one is not refused as ${refused} while its message is still being scheduled by another`, () =>
      Effect.gen(function* () {
        const { database, heldByAnother, nats, services } = yield* waiting([])
        const { client, commands, inHand } = yield* heldByAnother(command("slow", hour))
        const cause = `command-${inHand?.seq}-${inHand?.time.getTime()}`
        const dueAt = new Date(Date.now() + hour).toISOString()
        const { message } = attemptOf({ id: "slow", dueAt, expiresAt: dueAt })
        // Of what is to be done, the timer is left.
        if (saidBefore) yield* say(client, { type: "scheduled", at: dueAt, message, cause })
        yield* publishPlainly(nats.url, [cancel("slow")])
        yield* services.scheduler.start
        const given = Effect.promise(async () => (await commands.info()).delivered.consumer_seq)
        yield* eventually("put back a few times", given, (times) => times >= 5)
        inHand?.nak()
        yield* eventually("cancelled", statusOf(database, "slow"), (status) => status === "cancelled")
        assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.rejected.>"), [])
      })
    )
  }

  it.live("one is not refused as unknown while its series is still being scheduled by another", () =>
    Effect.gen(function* () {
      const all = yield* carillon({ services: ["scheduler"] })
      const { nats, services } = all
      yield* services.scheduler.start
      const payload = JSON.stringify({
        ...{ id: "slow", recurrence: { cron: "0 9 * * *" }, timeZone: "Europe/Berlin", platform: "telegram" },
        ...{ recipient: { chatId: "1" }, content: { type: "text", text: "text of slow" } }
      })
      const { commands, inHand } = yield* heldByAnother(all, { subject: "carillon.command.schedule-series", payload })
      yield* publishPlainly(nats.url, [
        { subject: "carillon.command.cancel-series", payload: JSON.stringify({ id: "slow" }) }
      ])
      yield* services.scheduler.start
      const given = Effect.promise(async () => (await commands.info()).delivered.consumer_seq)
      yield* eventually("put back a few times", given, (times) => times >= 5)
      inHand?.nak()
      yield* eventually("settled", unsettled(nats.url), (left) => left === 0)
      const changes = yield* eventsOf(nats.url, "carillon.event.series-changed.*")
      assert.deepStrictEqual(
        changes.map(({ change }) => change),
        ["scheduled", "cancelled"]
      )
      assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.rejected.>"), [])
    })
  )

  it.live("each is told its own: cancelled now or before, too late, unknown, not understood", () =>
    Effect.gen(function* () {
      const [now, before] = [named("now", 30), named("before", 30)]
      const { atOnce, database, nats } = yield* waiting([...now, ...before])
      yield* publishPlainly(nats.url, [command("gone", 0), ...before.map(cancel)])
      yield* eventually("sent", statusOf(database, "gone"), (status) => status === "sent")
      yield* eventually("cancelled", pendingTimers(nats.url), ({ length }) => length === now.length)
      yield* atOnce([
        ...before.map(cancel),
        cancel("nobody"),
        ...now.map(cancel),
        change("cancel", { id: "a b" }),
        cancel("gone"),
        ...before.slice(0, 2).map((id) => reschedule(id, "2035-01-01T09:00:00.000Z"))
      ])
      assert.deepStrictEqual(yield* pendingTimers(nats.url), [])
      const cancelled = yield* eventsOf(nats.url, "carillon.event.cancelled.>")
      assert.deepStrictEqual(cancelled.map(({ id }) => id).toSorted(), [...before, ...now].toSorted())
      const rejected = yield* eventsOf(nats.url, "carillon.event.rejected.>")
      const told = rejected.map(({ id, problems }) => `${id}: ${(problems as [{ problem: string }])[0].problem}`)
      assert.deepStrictEqual(
        told.toSorted().map((one) => one.replace(/^undefined: .*/, "not understood")),
        [
          "before-0: is of a message that was cancelled",
          "before-1: is of a message that was cancelled",
          "gone: is of a message whose timer has fired: too late",
          "nobody: is unknown: no message with this id was scheduled",
          "not understood"
        ]
      )
    })
  )
})

describe("a text of which parts were sent, and whose rest waits for another try", () => {
  it.live("is sent whole if it is changed; rescheduled as it is, it goes on where it was", () =>
    Effect.gen(function* () {
      const { nats, start } = yield* carillon({ services: ["scheduler"] })
      yield* start
      const client = yield* natsClient(nats.url)
      const dueAt = new Date(Date.now() + hour).toISOString()
      const content = { type: "text", text: "one\n\ntwo" } as const
      for (const id of ["as-it-is", "changed", "later"])
        yield* say(client, {
          type: "retry-scheduled",
          at: dueAt,
          ...attemptOf({ id, content, dueAt, expiresAt: dueAt }, { attempt: 2, partsSent: 1 }),
          category: "throttled",
          reason: "throttled"
        })
      yield* eventually("armed", pendingTimers(nats.url), ({ length }) => length === 3)
      yield* publishPlainly(nats.url, [
        change("reschedule", { id: "as-it-is", dueAt, content: { text: content.text, type: "text" } }),
        change("reschedule", { id: "changed", dueAt, content: { type: "text", text: "three" } }),
        reschedule("later", "2035-01-01T09:00:00.000Z")
      ])
      yield* eventually("changed", eventsOf(nats.url, "carillon.event.rescheduled.*"), ({ length }) => length === 3)
      const partsSent = (id: string) =>
        withManager(nats.url, async ({ streams }) => {
          const timer = await streams.getMessage("TIMERS", { last_by_subj: `carillon.timer.pending.${id}` })
          return timer?.json<{ readonly partsSent?: number }>().partsSent
        })
      assert.deepStrictEqual(yield* Effect.forEach(["as-it-is", "changed", "later"], partsSent), [1, undefined, 1])
    })
  )
})
