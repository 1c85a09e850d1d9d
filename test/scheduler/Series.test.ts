// Series as other systems see them: by request and reply, by the messages that come of them, and by what is stored.
import { assert, describe, it } from "@effect/vitest"
import { connect, headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { SeriesCommandName } from "#shared/contract/series/SeriesCommands.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { natsClient } from "../support/NatsClient.ts"
import {
  eventsOf,
  loseTick,
  pendingTimers,
  storedSeries,
  strayTick,
  streamCount,
  unsettled,
  waitingTicks
} from "../support/Streams.ts"

const daily = {
  id: "medicine",
  recurrence: { cron: "0 9 * * *" },
  timeZone: "Europe/Berlin",
  platform: "telegram",
  recipient: { chatId: "100200300" },
  content: { type: "text", text: "text of medicine" }
}
/** Its first occurrence in so many milliseconds, then every minute. */
const minutely = (id: string, inMillis: number, more: object = {}) => ({
  ...daily,
  id,
  recurrence: { every: "PT1M" },
  start: new Date(Date.now() + inMillis).toISOString(),
  ...more
})

interface Answer extends Record<string, unknown> {
  readonly next?: { readonly occurrence: string; readonly dueAt: string }
  readonly submitted?: { readonly id: string }
  readonly problems?: ReadonlyArray<{ readonly path: string; readonly problem: string }>
}

const withScheduler = (environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const all = yield* carillon({ environment })
    yield* all.services.scheduler.start
    const client = yield* natsClient(all.nats.url)
    const ask = (name: SeriesCommandName | "cancel" | "schedule", body: unknown) =>
      Effect.promise(async (): Promise<Answer> => {
        const reply = await client.request(`carillon.api.${name}`, JSON.stringify(body), { timeout: 10_000 })
        return reply.json()
      })
    const { url } = all.nats
    const changes = Effect.map(eventsOf(url, "carillon.event.series-changed.*"), (events) =>
      events.map(({ change }) => change)
    )
    const scheduled = Effect.map(eventsOf(url, "carillon.event.scheduled.>"), (events) =>
      events.map(({ message }) => message as Record<string, unknown>)
    )
    return { ...all, ask, changes, scheduled, url }
  })

describe("schedule-series", () => {
  it.live("is answered with what comes next, and a tick waits for it", () =>
    Effect.gen(function* () {
      const { ask, changes, scheduled, url } = yield* withScheduler()
      const reply = yield* ask("schedule-series", daily)
      assert.deepInclude(reply, { status: "series", id: "medicine", series: "active", revision: 1, duplicate: false })
      assert.match(reply.next?.occurrence ?? "", /T09:00:00$/)
      assert.deepStrictEqual(yield* waitingTicks(url), ["medicine"])
      assert.deepStrictEqual(yield* changes, ["scheduled"])
      assert.deepStrictEqual(yield* scheduled, [])
      assert.notProperty(yield* storedSeries(url, "medicine"), "outbox")
    })
  )

  it.live("the same again changes nothing, also after a change; other content is refused, naming what differs", () =>
    Effect.gen(function* () {
      const { ask, changes, url } = yield* withScheduler()
      yield* ask("schedule-series", daily)
      assert.deepInclude(yield* ask("schedule-series", daily), { status: "series", duplicate: true })
      yield* ask("change-series", { id: "medicine", priority: "urgent" })
      assert.deepInclude(yield* ask("schedule-series", daily), { duplicate: true, revision: 2 })
      const other = yield* ask("schedule-series", {
        ...daily,
        recurrence: { cron: "0 10 * * *" },
        content: { type: "text", text: "other" }
      })
      assert.deepStrictEqual(
        other.problems?.map(({ path }) => path),
        ["recurrence", "content"]
      )
      assert.deepStrictEqual(yield* changes, ["scheduled", "changed"])
      const refused = yield* eventsOf(url, "carillon.event.rejected.*")
      assert.deepInclude(refused[0], { command: "schedule-series", series: "medicine" })
      assert.notProperty(refused[0], "id")
    })
  )

  it.live("refuses with every problem at once, by path and without the values", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler()
      const reply = yield* ask("schedule-series", {
        ...daily,
        id: "a b",
        recurrence: { rrule: "FREQ=SECRETLY" },
        timeZone: "Mars/Base",
        start: "secretly",
        platform: "webhook",
        content: { type: "text", text: "" },
        colour: "secret"
      })
      const paths = reply.problems?.map(({ path }) => path) ?? []
      for (const path of ["id", "timeZone", "start", "content.text", "colour"]) assert.include(paths, path)
      assert.notMatch(JSON.stringify(reply), /secret|Mars/i)
      const unsendable = yield* ask("schedule-series", {
        ...daily,
        platform: "webhook",
        recurrence: { cron: "0 9 31 2 *" }
      })
      assert.deepStrictEqual(
        unsendable.problems?.map(({ path }) => path),
        ["recurrence.cron", "recipient.url"]
      )
      assert.strictEqual(yield* streamCount(url, "SERIES"), 0)
    })
  )
})

describe("an occurrence", () => {
  it.live("is a message of its own, which knows its series and can be cancelled by its id", () =>
    Effect.gen(function* () {
      const { ask, scheduled, url } = yield* withScheduler({ SERIES_LEAD_SECONDS: "90" })
      const reply = yield* ask("schedule-series", minutely("m", 30_000, { kind: "medication", maxLatenessSeconds: 5 }))
      const [first, second, ...none] = yield* scheduled
      assert.isEmpty(none)
      assert.strictEqual(Date.parse(second?.dueAt as string) - Date.parse(first?.dueAt as string), 60_000)
      assert.strictEqual(Date.parse(first?.expiresAt as string) - Date.parse(first?.dueAt as string), 5_000)
      assert.deepInclude(first?.series, { id: "m" })
      assert.strictEqual(reply.submitted?.id, second?.id)
      assert.lengthOf(yield* pendingTimers(url), 2)
      assert.deepInclude(yield* ask("cancel", { id: second?.id }), { status: "cancelled" })
      assert.lengthOf(yield* pendingTimers(url), 1)
    })
  )

  it.live("whose id another message has is refused aloud, and the next one comes all the same", () =>
    Effect.gen(function* () {
      const { ask, scheduled, url } = yield* withScheduler({ SERIES_LEAD_SECONDS: "120" })
      const series = minutely("taken", 30_000, { count: 2 })
      const id = `taken-${series.start.slice(0, 19).replace(/[-:]/g, "")}`
      yield* ask("schedule", JSON.parse(command(id, 3_600_000).payload))
      yield* ask("schedule-series", series)
      const refused = yield* eventsOf(url, "carillon.event.rejected.*")
      assert.deepInclude(refused[0], { command: "schedule-series", id })
      assert.lengthOf(yield* scheduled, 2)
      assert.deepInclude(yield* storedSeries(url, "taken"), { status: "ended" })
    })
  )

  it.live("comes of no stray tick", () =>
    Effect.gen(function* () {
      const { ask, scheduled, url } = yield* withScheduler()
      yield* ask("schedule-series", minutely("m", 30_000))
      yield* ask("schedule-series", daily)
      yield* ask("pause-series", { id: "medicine" })
      for (const id of ["m", "m", "medicine", "nobody"]) yield* strayTick(url, id)
      yield* eventually("all looked at", unsettled(url), (left) => left === 0)
      assert.lengthOf(yield* scheduled, 1)
      assert.sameMembers(yield* waitingTicks(url), ["m", "medicine"])
    })
  )
})

describe("what is asked of a series", () => {
  it.live("pauses, skips, resumes, changes and cancels it, and stands in the log", () =>
    Effect.gen(function* () {
      const { ask, changes, url } = yield* withScheduler()
      const { next } = yield* ask("schedule-series", daily)
      assert.deepInclude(yield* ask("pause-series", { id: "medicine", reason: "in hospital" }), { series: "paused" })
      const resumed = yield* ask("resume-series", { id: "medicine" })
      assert.deepStrictEqual([resumed.series, resumed.next], ["active", next])
      const skipped = yield* ask("skip-occurrence", { id: "medicine" })
      assert.isAbove(Date.parse(skipped.next?.dueAt ?? ""), Date.parse(next?.dueAt ?? ""))
      const moved = yield* ask("change-series", { id: "medicine", recurrence: { cron: "30 21 * * *" } })
      assert.deepInclude(moved, { revision: 2 })
      assert.match(moved.next?.occurrence ?? "", /T21:30:00$/)
      assert.deepInclude(yield* ask("cancel-series", { id: "medicine" }), { series: "cancelled", duplicate: false })
      assert.deepStrictEqual(yield* changes, ["scheduled", "paused", "resumed", "skipped", "changed", "cancelled"])
      const events = yield* eventsOf(url, "carillon.event.series-changed.telegram")
      assert.deepInclude(events[1], { reason: "in hospital", revision: 1 })
      assert.deepInclude(events[3], { occurrence: next?.occurrence })
      assert.notMatch(JSON.stringify(events), /100200300|text of/)
    })
  )

  it.live("once it is cancelled is refused; its id stays taken, and address and text are gone", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* withScheduler()
      yield* ask("schedule-series", daily)
      yield* ask("change-series", { id: "medicine", priority: "urgent" })
      yield* ask("cancel-series", { id: "medicine" })
      assert.deepInclude(yield* ask("cancel-series", { id: "medicine" }), { series: "cancelled", duplicate: true })
      for (const name of ["resume-series", "skip-occurrence", "change-series", "pause-series"] as const)
        assert.match(JSON.stringify(yield* ask(name, { id: "medicine" })), /was cancelled/)
      assert.match(JSON.stringify(yield* ask("schedule-series", daily)), /was cancelled/)
      assert.notMatch(JSON.stringify(yield* storedSeries(url, "medicine")), /100200300|text of/)
    })
  )

  it.live("with a message too large to be kept twice is refused, and holds up nobody", () =>
    Effect.gen(function* () {
      const { ask } = yield* withScheduler()
      const saying = (characters: number, fallbacks: number) => {
        const content = { type: "text", text: "💊".repeat(characters) }
        const channel = { platform: "webhook", recipient: { url: "https://clinic.example/" }, content }
        return { ...channel, fallback: Array.from({ length: fallbacks }, () => channel) }
      }
      const problems = [{ path: "", problem: "is larger than 256 KiB in all" }]
      const large = yield* ask("schedule-series", { ...daily, id: "large", ...saying(32_768, 5) })
      assert.deepInclude(large, { status: "rejected", problems })
      assert.deepInclude(yield* ask("schedule-series", { ...daily, ...saying(32_000, 1) }), { status: "series" })
      const changed = yield* ask("change-series", { id: "medicine", ...saying(32_768, 5) })
      assert.deepInclude(changed, { status: "rejected", problems })
      assert.deepInclude(yield* ask("change-series", { id: "medicine", ...saying(31_999, 1) }), { revision: 2 })
      assert.deepInclude(yield* ask("schedule", JSON.parse(command("m", 60_000).payload)), { status: "accepted" })
    })
  )

  it.live("of one that nobody knows is refused", () =>
    Effect.gen(function* () {
      const { ask } = yield* withScheduler()
      assert.match(JSON.stringify(yield* ask("pause-series", { id: "nobody" })), /is unknown/)
      assert.match(
        JSON.stringify(yield* ask("skip-occurrence", { id: "a", occurrence: "soon" })),
        /2026-12-01T09:00:00/
      )
    })
  )

  it.live("does not touch what was submitted, and does not repeat it", () =>
    Effect.gen(function* () {
      const { ask, scheduled } = yield* withScheduler()
      const { submitted } = yield* ask("schedule-series", minutely("m", 40_000))
      const changed = yield* ask("change-series", { id: "m", content: { type: "text", text: "new words" } })
      assert.deepStrictEqual(changed.revision, 2)
      const messages = yield* scheduled
      assert.deepStrictEqual(
        messages.map(({ content, id }) => [id, content]),
        [[submitted?.id, daily.content]]
      )
      assert.match(
        JSON.stringify(yield* ask("skip-occurrence", { id: "m", occurrence: occurrenceOf(messages[0]) })),
        /submitted/
      )
    })
  )
})

const occurrenceOf = (message: Record<string, unknown> | undefined) =>
  (message?.series as { readonly occurrence: string } | undefined)?.occurrence

describe("a tick that is lost", () => {
  it.live("is set again by the sweep, at the start and every few minutes", () =>
    Effect.gen(function* () {
      const { ask, services, url } = yield* withScheduler({ SERIES_SWEEP_SECONDS: "1" })
      yield* ask("schedule-series", daily)
      yield* loseTick(url, "medicine")
      yield* eventually("it is there again", waitingTicks(url), (ticks) => ticks.includes("medicine"))
      yield* services.scheduler.stop
      yield* loseTick(url, "medicine")
      yield* services.scheduler.start
      yield* eventually("it is there at the start", waitingTicks(url), (ticks) => ticks.includes("medicine"))
    })
  )
})

describe("after a time away", () => {
  it.live("what is still in time is sent, and what is too late is on the record, however much it is", () =>
    Effect.gen(function* () {
      const { ask, nats, scheduled, services, url } = yield* withScheduler()
      // Scheduled while nobody listens, an hour ago by the rule: as if the scheduler had been away since.
      yield* ask("schedule-series", minutely("m", 3_600_000, { maxLatenessSeconds: 90 }))
      yield* services.scheduler.stop
      const series = (yield* storedSeries(url, "m")) as { readonly next: { readonly at: string } }
      const then = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000).toISOString()
      const next = { at: then, name: then.slice(0, 19) }
      yield* putSeries(nats.url, { ...series, anchor: then, next })
      yield* loseTick(url, "m")
      yield* services.scheduler.start
      const missed = yield* eventually(
        "missed ones told",
        eventsOf(url, "carillon.event.occurrences-missed.*"),
        ({ length }) => length === 1
      )
      assert.deepInclude(missed[0], { series: "m", from: next.name })
      const messages = yield* eventually("the others submitted", scheduled, ({ length }) => length >= 2)
      // From an hour ago to a minute ahead, each once.
      assert.approximately((missed[0]?.count as number) + messages.length, 61, 1)
      assert.isAtMost(messages.length, 4)
    })
  )
})

/** As a scheduler that went away long ago would have left it. */
const putSeries = (url: string, series: Record<string, unknown>) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: url })
    const needsTick = headers()
    needsTick.set("carillon-needs-tick", "yes")
    connection.publish(`carillon.series.${series.id}`, JSON.stringify(series), { headers: needsTick })
    await connection.drain()
  })
