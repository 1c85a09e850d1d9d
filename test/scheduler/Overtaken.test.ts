// A command that comes back after a later one about the same was carried out, as when its scheduler was slow with it, or
// was killed before it could acknowledge it: the later one stands.
import { assert, describe, it } from "@effect/vitest"
import { headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { carillon, eventually } from "../support/Carillon.ts"
import { withManager } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { eventsOf, storedSeries, unsettled } from "../support/Streams.ts"
import { heldByAnother } from "../support/servers/HeldByAnother.ts"

const asked = (name: string, body: object) => ({ subject: `carillon.command.${name}`, payload: JSON.stringify(body) })

/** The first is in another's hands, and comes back when the second was carried out: what was said of it then. */
const overtaken = Effect.fnUntraced(function* (
  all: Effect.Success<ReturnType<typeof carillon>>,
  [first, second]: readonly [ReturnType<typeof asked>, ReturnType<typeof asked>],
  says: string
) {
  const { url } = all.nats
  const { client, inHand } = yield* heldByAnother(all, first)
  const cause = `command-${inHand?.seq}-${inHand?.time.getTime()}`
  const before = (yield* eventsOf(url, says)).length
  yield* publishPlainly(url, [second])
  yield* all.services.scheduler.start
  yield* eventually("the later one", eventsOf(url, says), ({ length }) => length > before)
  return {
    cause,
    client,
    comesBack: Effect.gen(function* () {
      inHand?.nak()
      yield* eventually("settled", unsettled(url), (left) => left === 0)
      return (yield* eventsOf(url, "carillon.event.rejected.>")).map(({ problems }) => problems)
    })
  }
})

const started = Effect.gen(function* () {
  const all = yield* carillon({ services: ["scheduler"] })
  yield* all.services.scheduler.start
  return all
})

const orders = (url: string) =>
  withManager(url, async (manager) => {
    const subject = Subject.sender("telegram", "_all", "orders")
    return (await manager.streams.getMessage("SENDERS", { last_by_subj: subject }))?.json()
  })

describe("a command that comes back after a later one", () => {
  const pauseAndResume = [
    asked("pause", { platform: "telegram" }),
    asked("resume", { platform: "telegram", perSecond: 5 })
  ] as const

  it.live("holds no sender that was let go since, and is refused", () =>
    Effect.gen(function* () {
      const all = yield* started
      const { comesBack } = yield* overtaken(all, pauseAndResume, "carillon.event.orders-changed.>")
      const problem = "came back after a later order for the same sender was carried out"
      assert.deepStrictEqual(yield* comesBack, [[{ path: "", problem }]])
      assert.deepStrictEqual(yield* orders(all.nats.url), { paused: false, perSecond: 5 })
    })
  )

  it.live("is not refused if it had been carried out", () =>
    Effect.gen(function* () {
      const all = yield* started
      const { cause, client, comesBack } = yield* overtaken(all, pauseAndResume, "carillon.event.orders-changed.>")
      // What a scheduler had said that was killed then.
      const said = headers()
      said.set("ce-id", `${cause}.orders-changed`)
      client.publish("carillon.event.orders-changed.telegram", "{}", { headers: said })
      yield* Effect.promise(() => client.flush())
      assert.deepStrictEqual(yield* comesBack, [])
      assert.deepStrictEqual(yield* orders(all.nats.url), { paused: false, perSecond: 5 })
    })
  )

  const series = (name: string, body: object = {}) => asked(name, { id: "medicine", ...body })
  const changes = "carillon.event.series-changed.*"
  const withSeries = Effect.gen(function* () {
    const all = yield* started
    const { url } = all.nats
    yield* publishPlainly(url, [
      series("schedule-series", {
        recurrence: { cron: "0 9 * * *" },
        timeZone: "Europe/Berlin",
        platform: "telegram",
        recipient: { chatId: "1" },
        content: { type: "text", text: "text of medicine" }
      })
    ])
    yield* eventually("scheduled", eventsOf(url, changes), ({ length }) => length === 1)
    return { all, status: Effect.map(storedSeries(url, "medicine"), (found) => found?.status) }
  })

  it.live("pauses no series that was resumed since; a cancel counts in any case", () =>
    Effect.gen(function* () {
      const { all, status } = yield* withSeries
      const paused = yield* overtaken(all, [series("pause-series"), series("resume-series")], changes)
      const problem = "is of a series that a later command has changed since"
      assert.deepStrictEqual(yield* paused.comesBack, [[{ path: "id", problem }]])
      assert.strictEqual(yield* status, "active")
      const cancelled = yield* overtaken(all, [series("cancel-series"), series("pause-series")], changes)
      assert.lengthOf(yield* cancelled.comesBack, 1)
      assert.strictEqual(yield* status, "cancelled")
    })
  )

  it.live("pauses a series of which only an occurrence was skipped since", () =>
    Effect.gen(function* () {
      const { all, status } = yield* withSeries
      const { comesBack } = yield* overtaken(all, [series("pause-series"), series("skip-occurrence")], changes)
      assert.deepStrictEqual(yield* comesBack, [])
      assert.strictEqual(yield* status, "paused")
    })
  )

  /** It comes back to what was stored under a subject since it was asked for, which stays: why it is refused. */
  const backTo = Effect.fnUntraced(function* (
    command: ReturnType<typeof asked>,
    kept: { readonly stream: string; readonly subject: string },
    what: (since: string) => object
  ) {
    const all = yield* started
    const { url } = all.nats
    const { client, inHand } = yield* heldByAnother(all, command)
    const since = new Date((inHand?.time.getTime() ?? 0) + 1_000).toISOString()
    client.publish(kept.subject, JSON.stringify(what(since)))
    yield* Effect.promise(() => client.flush())
    yield* all.services.scheduler.start
    inHand?.nak()
    yield* eventually("settled", unsettled(url), (left) => left === 0)
    const events = yield* eventsOf(url, "carillon.event.*.>")
    const found = yield* withManager(url, (manager) =>
      manager.streams.getMessage(kept.stream, { last_by_subj: kept.subject })
    )
    assert.isNotNull(found)
    return events.map(({ type, problems }) => ({ type, problems }))
  })

  it.live("takes away no link that was made since", () =>
    Effect.gen(function* () {
      const kept = { stream: "MEMORY", subject: Subject.memory("contact", "telegram.default.p-1") }
      const events = yield* backTo(
        asked("remove-link", { contact: "p-1", platform: "telegram" }),
        kept,
        (linkedAt) => ({
          recipient: { chatId: "1" },
          linkedAt
        })
      )
      const problems = [{ path: "contact", problem: "was linked anew since" }]
      assert.deepStrictEqual(events, [{ type: "rejected", problems }])
    })
  )

  it.live("is told as carried out if it removed the link before it could say so", () =>
    Effect.gen(function* () {
      const kept = { stream: "MEMORY", subject: Subject.memory("contact", "telegram.default.p-1") }
      const command = asked("remove-link", { contact: "p-1", platform: "telegram" })
      const events = yield* backTo(command, kept, (removedAt) => ({ removedAt }))
      assert.deepStrictEqual(events, [{ type: "recipient-unlinked", problems: undefined }])
    })
  )

  it.live("decides on no dead letter that it was not about", () =>
    Effect.gen(function* () {
      for (const name of ["redrive", "discard"]) {
        const kept = { stream: "DEAD", subject: Subject.dead("telegram", "m") }
        const events = yield* backTo(asked(name, { id: "m" }), kept, (at) => ({
          ...{ state: "failed", at, category: "recipient", reason: "chat-not-found" },
          ...{ attempt: 2, failures: 1, sendAt: at, possibleDuplicate: false },
          message: {
            ...{ id: "m", platform: "telegram", sender: "default", priority: "normal", unknownOutcome: "resend" },
            ...{ recipient: { chatId: "1" }, content: { type: "text", text: "text of m" }, metadata: {} },
            ...{ dueAt: at, expiresAt: at }
          }
        }))
        const problems = [{ path: "id", problem: "is of a message that was given up anew since this was decided" }]
        assert.deepStrictEqual(events, [{ type: "rejected", problems }], name)
      }
    })
  )
})
