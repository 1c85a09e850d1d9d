// A gateway that is frozen in the middle of a call, is replaced by another, and wakes: what it says then, and what follows.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { EventOf } from "#shared/contract/Events.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { link } from "../../chaos/world/Links.ts"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { type ServiceProcess, serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { attemptOf } from "../support/Attempts.ts"
import { carillon, command, eventually, type Settings, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { figureOf } from "../support/Figures.ts"
import { natsForTest } from "../support/Layers.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deadLetters, eventsOf, forgetDuplicates, pendingTimers, unsettled } from "../support/Streams.ts"
import { testNats } from "../support/servers/TestNats.ts"

const signal = ({ pid }: ServiceProcess, name: NodeJS.Signals) => Effect.sync(() => process.kill(pid() ?? 0, name))

/** Two gateways, of which the first is active. `first` is what the platform answers to the first call of each message. */
const twoGateways = Effect.fnUntraced(function* (first: Reply | undefined, settings: Settings = {}) {
  const called = new Set<string>()
  const world = yield* carillon({
    ...settings,
    processes: ["telegram-gateway"],
    answer: ({ text }, method) => {
      if (method !== "sendMessage" || called.has(text)) return undefined
      called.add(text)
      return first
    }
  })
  const { database, nats, phones, services } = world
  yield* world.start
  const frozen = services["telegram-gateway"]
  const second = yield* serviceProcess("telegram-gateway", world.environment)
  yield* second.start
  return {
    ...world,
    second,
    run: cli({ NATS_URL: nats.url, DATABASE_URL: database.url }),
    freeze: signal(frozen, "SIGSTOP"),
    /** Until it has done with what it had in hand. */
    thaw: Effect.andThen(
      signal(frozen, "SIGCONT"),
      eventually("it stands by", Effect.sync(frozen.output), (text) => text.includes("no longer active"))
    ),
    becomes: (id: string, wanted: string) =>
      eventually(`${id} is ${wanted}`, statusOf(database, id), (status) => status === wanted),
    inHand: (gateway: ServiceProcess) => figureOf(gateway, "carillon_gateway_messages_in_hand"),
    callMadeFor: (id: string) =>
      eventually(
        "called",
        Effect.sync(() => phones.requests.map(({ text }) => text)),
        (texts) => texts.includes(`text of ${id}`)
      ),
    quiet: Effect.gen(function* () {
      yield* eventually("no timer left", pendingTimers(nats.url), ({ length }) => length === 0)
      yield* eventually("all settled", unsettled(nats.url), (left) => left === 0)
    }),
    /** In the order of the log: type, and attempt. */
    story: (id: string) =>
      Effect.map(eventsOf(nats.url, "carillon.event.>"), (events) =>
        events
          .filter((event) => (event.id ?? (event.message as { id?: string } | undefined)?.id) === id)
          .map(({ attempt, type }) => `${type} ${attempt ?? ""}`.trim())
      )
  }
})

const order = (name: "pause" | "resume") => ({
  subject: `carillon.command.${name}`,
  payload: JSON.stringify({ platform: "telegram" })
})

/** Answered while the gateway is frozen. */
const answered = Reply.Delay({ ms: 1_000 })
/** The gateway finds, when it wakes, that it has waited too long. */
const neverAnswered = Reply.Hang({ delivered: true })
const soon = { retry: [{ attempts: 2, seconds: 0.1 }] }

describe("a gateway that is frozen in the middle of a call, and replaced", () => {
  it.live("says when it wakes what was sent after all: nobody can have it sent again by its dead letter", () =>
    Effect.gen(function* () {
      const { becomes, callMadeFor, freeze, nats, phones, run, thaw } = yield* twoGateways(answered)
      yield* publishPlainly(nats.url, [
        command("held", 0, { unknownOutcome: "hold" }),
        command("given-up", 0, { retry: [], recipient: { chatId: "2" } })
      ])
      for (const id of ["held", "given-up"]) yield* callMadeFor(id)
      yield* freeze
      yield* becomes("held", "unknown")
      yield* becomes("given-up", "failed")
      assert.lengthOf(yield* deadLetters(nats.url), 2)
      yield* thaw
      for (const id of ["held", "given-up"]) yield* becomes(id, "sent")
      for (const decision of [
        ["resolve", "held", "--as", "resend"],
        ["dead", "redrive", "given-up"]
      ]) {
        const { code, err } = yield* run(decision)
        assert.strictEqual(code, 2)
        assert.match(err, /has been sent after all, at \d{4}-/)
      }
      assert.lengthOf(yield* deadLetters(nats.url), 0)
      assert.lengthOf(phones.received, 2)
    })
  )

  it.live("says when it wakes that a message was sent: the try that waits to be made in its place is left out", () =>
    Effect.gen(function* () {
      const { becomes, callMadeFor, database, freeze, nats, phones, quiet, story, thaw } = yield* twoGateways(answered)
      // Of 30 seconds, with this id's jitter.
      yield* publishPlainly(nats.url, [command("waits-long", 0, { retry: [{ attempts: 2, seconds: 30 }] })])
      yield* callMadeFor("waits-long")
      yield* freeze
      yield* eventually("another try waits", pendingTimers(nats.url), ({ length }) => length === 1)
      yield* thaw
      yield* becomes("waits-long", "sent")
      yield* quiet
      assert.lengthOf(phones.received, 1)
      assert.deepStrictEqual((yield* story("waits-long")).slice(-3), [
        "attempt-failed 1",
        "retry-scheduled 2",
        "sent 1"
      ])
      const [row] = yield* database.query(
        "select status, attempts, possible_duplicate from carillon.scheduled_messages"
      )
      assert.deepStrictEqual(row, { status: "sent", attempts: 1, possible_duplicate: false })
    })
  )

  it.live(
    "says when it wakes that a message was sent, which was sent again meanwhile: both are told, and it counts once",
    () =>
      Effect.gen(function* () {
        const { becomes, callMadeFor, database, freeze, nats, phones, quiet, run, story, thaw } =
          yield* twoGateways(answered)
        yield* publishPlainly(nats.url, [command("twice", 0, soon)])
        yield* callMadeFor("twice")
        yield* freeze
        yield* becomes("twice", "sent")
        yield* thaw
        yield* quiet
        yield* eventually(
          "both told",
          story("twice"),
          (said) => said.filter((one) => one.startsWith("sent")).length === 2
        )
        assert.lengthOf(phones.received, 2)
        const record = Effect.gen(function* () {
          return {
            row: yield* database.query(
              "select status, attempts, possible_duplicate, cost_units from carillon.scheduled_messages"
            ),
            attempts: yield* database.query(
              "select attempt, outcome, possible_duplicate from carillon.message_delivery_attempts order by attempt"
            ),
            sums: yield* database.query(
              "select due, sent, failed, unknown, retries, possible_duplicates, cost_units, (select sum(n)::int from unnest(lateness) n) late from carillon.message_rollups_hourly"
            )
          }
        })
        const live = yield* eventually("both projected", record, ({ row }) => row[0]?.cost_units === 2)
        assert.deepStrictEqual(live, {
          row: [{ status: "sent", attempts: 2, possible_duplicate: true, cost_units: 2 }],
          attempts: [
            { attempt: 1, outcome: "sent", possible_duplicate: false },
            { attempt: 2, outcome: "sent", possible_duplicate: true }
          ],
          sums: [{ due: 1, sent: 1, failed: 0, unknown: 0, retries: 1, possible_duplicates: 1, cost_units: 2, late: 1 }]
        })
        assert.strictEqual((yield* run(["ledger", "rebuild"])).code, 0)
        assert.deepStrictEqual(yield* record, live)
      })
  )

  it.live(
    "has nothing to say when it wakes and knows no better: minutes later that would have it sent a third time",
    () =>
      Effect.gen(function* () {
        const { becomes, callMadeFor, freeze, nats, phones, quiet, story, thaw } = yield* twoGateways(neverAnswered, {
          environment: { TELEGRAM_TIMEOUT_SECONDS: "3" }
        })
        // As if the log's window were over by the time it wakes.
        yield* forgetDuplicates(nats.url)
        yield* publishPlainly(nats.url, [command("thrice", 0, soon)])
        yield* callMadeFor("thrice")
        yield* freeze
        yield* becomes("thrice", "sent")
        yield* thaw
        yield* quiet
        assert.lengthOf(phones.received, 2)
        const said = yield* story("thrice")
        assert.deepStrictEqual(
          said.filter((one, index) => said.indexOf(one) !== index),
          []
        )
      })
  )

  it.live("leaves to the other what that one has in hand by now", () =>
    Effect.gen(function* () {
      const { becomes, freeze, inHand, nats, phones, quiet, second, services, story, thaw } =
        yield* twoGateways(undefined)
      const frozen = services["telegram-gateway"]
      yield* publishPlainly(nats.url, [command("waits", 4_000)])
      yield* eventually("in its hands", inHand(frozen), (count) => count === 1)
      yield* freeze
      // Held back, the other one has it in hand until the first has said all that it has to say.
      yield* publishPlainly(nats.url, [order("pause")])
      yield* eventually("in the other's hands", inHand(second), (count) => count === 1)
      yield* thaw
      yield* publishPlainly(nats.url, [order("resume")])
      yield* becomes("waits", "sent")
      yield* quiet
      assert.lengthOf(phones.received, 1)
      assert.deepStrictEqual(yield* story("waits"), ["scheduled", "dispatched 1", "send-started 1", "sent 1"])
    })
  )
})

/** Cut off when the platform has been asked for the first time, for longer than its lease lasts and a stop may take. */
const cutOffForLong = Effect.fnUntraced(function* () {
  const nats = yield* testNats
  const { cut, heal, ports } = yield* link([nats.port])
  const world = yield* carillon({
    nats,
    answer: (_, method) => (method === "sendMessage" ? answered : undefined),
    environmentOf: (name) =>
      name === "telegram-gateway" ? { NATS_URL: `nats://127.0.0.1:${ports[0]}`, SHUTDOWN_GRACE_SECONDS: "2" } : {}
  })
  yield* world.start
  yield* publishPlainly(nats.url, [command("m", 0, soon)])
  yield* eventually(
    "called",
    Effect.sync(() => world.phones.requests.length),
    (count) => count === 1
  )
  yield* cut
  yield* Effect.sleep("10 seconds")
  return { ...world, heal, gateway: world.services["telegram-gateway"] }
})

describe("a gateway that is cut off from NATS in the middle of a call", () => {
  it.live("says what it knows when NATS is back, however long that takes: nothing is sent a second time", () =>
    Effect.gen(function* () {
      const { database, heal, nats, phones } = yield* cutOffForLong()
      yield* heal
      yield* eventually("sent", statusOf(database, "m"), (status) => status === "sent")
      yield* eventually("all settled", unsettled(nats.url), (left) => left === 0)
      assert.lengthOf(phones.received, 1)
      assert.deepStrictEqual(yield* eventsOf(nats.url, "carillon.event.attempt-failed.>"), [])
    })
  )

  it.live("can be stopped all the same", () =>
    Effect.gen(function* () {
      const { gateway } = yield* cutOffForLong()
      const askedAt = Date.now()
      assert.strictEqual(yield* gateway.stop, 0)
      assert.isBelow(Date.now() - askedAt, 20_000)
      assert.include(gateway.output(), "1 sends had no outcome")
    })
  )
})

/** As a dispatcher had sent it on its way before the first gateway was back. */
describe("a try in the place of one that was interrupted", () => {
  it.live("is left out at the last moment if the first was sent after all, and made if it was not", () =>
    Effect.gen(function* () {
      const { layer, nats } = yield* natsForTest
      const { phones, start } = yield* carillon({ nats, services: ["telegram-gateway"] })
      yield* start
      const again = (id: string, dueAt: string): EventOf<"dispatched"> => {
        const attempt = attemptOf({ id, dueAt, expiresAt: fromMillis(toMillis(dueAt) + 60_000) })
        return {
          type: "dispatched",
          at: dueAt,
          ...attempt,
          ...{ attempt: 2, failures: 1, possibleDuplicate: true, interruptedSince: dueAt }
        }
      }
      yield* Effect.gen(function* () {
        const { append } = yield* Publisher
        const at = fromMillis(Date.now())
        const about = {
          platform: "telegram" as const,
          attempt: 1,
          sender: "default",
          dueAt: at,
          possibleDuplicate: false
        }
        yield* append([
          { type: "sent", at, id: "was-sent", ...about, sentAt: at, providerMessageId: "1" },
          again("was-sent", at),
          again("was-not", at)
        ])
      }).pipe(Effect.provide(layer))
      yield* eventually("one sent", eventsOf(nats.url, "carillon.event.sent.*"), ({ length }) => length === 2)
      yield* eventually("all settled", unsettled(nats.url), (left) => left === 0)
      assert.deepStrictEqual(
        phones.received.map(({ text, chatId }) => [text, chatId]),
        [["hello", "1"]]
      )
      assert.deepStrictEqual(
        (yield* eventsOf(nats.url, "carillon.event.send-started.*")).map(({ id }) => id),
        ["was-not"]
      )
    })
  )
})
