// Clocks that are wrong, and that jump while services run: nothing is lost, doubled or sent too fast, and no wait lasts
// for ever. nats-server has this machine's clock, which is right.
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ServiceName } from "#shared/service/Services.ts"
import { clockIn } from "../../chaos/faults/Clocks.ts"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { home } from "../../deploy/local/Home.ts"
import { serviceNames } from "../../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually, type Settings } from "../support/Carillon.ts"
import { figureOf } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { whereAllowed } from "../support/platforms/WhereAllowed.ts"
import { pendingTimers, purgeSubject, streamCount } from "../support/Streams.ts"

const withClocks = Effect.fnUntraced(function* (settings: Settings) {
  const folder = yield* temporaryFolder("clocks")
  const clocks = yield* Effect.forEach(serviceNames, (name) => clockIn(folder, name, join(home, "bin")))
  const environmentOf = (name: ServiceName) =>
    clocks[(serviceNames as ReadonlyArray<string>).indexOf(name)]?.environment ?? {}
  const all = yield* carillon({ ...settings, environmentOf, processes: true })
  const set = Effect.fnUntraced(function* (wrong: Partial<Record<(typeof serviceNames)[number], number>>) {
    for (const [index, name] of serviceNames.entries()) {
      const seconds = wrong[name]
      if (seconds !== undefined) yield* clocks[index]?.set(seconds) ?? Effect.void
    }
  })
  const skewOf = (name: (typeof serviceNames)[number]) => figureOf(all.services[name], "carillon_clock_skew_seconds")
  const sent = Effect.map(
    all.database.query("select id from carillon.scheduled_messages where status = 'sent'"),
    (rows) => rows.length
  )
  return { ...all, set, skewOf, sent }
})

/** The most that arrived within a second. */
const fastest = (times: ReadonlyArray<number>) =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length))

const ids = Array.from({ length: 60 }, (_, index) => `m-${index}`)
const text = (id: string) => `text of ${id}`
const patient = { maxLatenessSeconds: 3_600 }

describe("services whose clocks differ by seconds", () => {
  it.live("send at the time that the gateway's clock says, each once, and find what is lost", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const { database, nats, phones, sent, set, skewOf, start } = yield* withClocks({
          environment: { WATCHDOG_SECONDS: "1", WATCHDOG_GRACE_SECONDS: "3" }
        })
        yield* set({ scheduler: 7, dispatcher: -7, ledger: 100 })
        yield* start
        const due = Date.now() + 6_000
        yield* publishPlainly(
          nats.url,
          ids.map((id, index) => command(id, 6_000, { ...patient, recipient: { chatId: String(index) } }))
        )
        yield* eventually("all sent", sent, (count) => count === ids.length)
        assert.isTrue(phones.received.every(({ at }) => at >= due))
        assert.sameMembers(
          phones.received.map((one) => one.text),
          ids.map(text)
        )
        for (const [name, seconds] of [
          ["scheduler", 7],
          ["dispatcher", -7],
          ["ledger", 100],
          ["telegram-gateway", 0]
        ] as const)
          assert.approximately(yield* skewOf(name), seconds, 0.5)
        const overdue = database.query("select 1 from carillon.message_events where type = 'overdue'")
        assert.deepStrictEqual(yield* overdue, [])
        // What really is lost is found.
        yield* publishPlainly(nats.url, [command("lost", 3_600_000)])
        const timers = pendingTimers(nats.url)
        yield* eventually("armed", timers, ({ length }) => length === 1)
        yield* purgeSubject(nats.url, "TIMERS", "carillon.timer.pending.lost")
        yield* eventually("armed again", timers, ({ length }) => length === 1)
      })
    )
  )
})

describe("clocks that jump by minutes and back while messages are sent", () => {
  it.live("exceed no limit, hold nothing back when they are right again, and lose and double nothing", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        let requests = 0
        const { nats, phones, sent, services, set, skewOf, start } = yield* withClocks({
          answer: () =>
            ++requests === 6
              ? Reply.ApiError({ code: 429, description: "slow down", parameters: { retry_after: 2 } })
              : undefined,
          environment: { TELEGRAM_MESSAGES_PER_SECOND: "10", RETRY_TIERS: "20x1s" }
        })
        yield* start
        yield* publishPlainly(
          nats.url,
          ids.map((id, index) => command(id, 0, { ...patient, recipient: { chatId: String(index) } }))
        )
        const everywhere = (seconds: number) =>
          set({ scheduler: seconds, dispatcher: seconds, ledger: seconds, "telegram-gateway": seconds })
        const arrived = (count: number) =>
          eventually(
            `${count} arrived`,
            Effect.sync(() => phones.received.length),
            (now) => now >= count
          )
        yield* arrived(10)
        yield* everywhere(-300)
        const said = Effect.sync(() => services["telegram-gateway"].output())
        yield* eventually("the gateway to say that its clock is wrong", said, (out) =>
          /clock here is -300\.\d s ahead/.test(out)
        )
        assert.approximately(yield* skewOf("telegram-gateway"), -300, 0.5)
        yield* everywhere(0)
        yield* arrived(25)
        yield* everywhere(300)
        yield* arrived(40)
        yield* everywhere(0)
        yield* eventually("all sent", sent, (count) => count === ids.length)
        assert.sameMembers(
          phones.received.map((one) => one.text),
          ids.map(text)
        )
        assert.isAtMost(fastest(phones.requests.map(({ at }) => at)), 10)
        assert.strictEqual(yield* streamCount(nats.url, "QUARANTINE"), 0)
      })
    )
  )
})
