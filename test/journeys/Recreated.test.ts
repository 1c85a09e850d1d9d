// A consumer that somebody deleted is made anew by its service, and a nats-server that was killed may have forgotten what it
// gave: either gives the log again as if for the first time. Nothing is done twice.
import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually, type Settings } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import {
  deleteConsumer,
  eventsOf,
  forgetDuplicates,
  pendingTimers,
  resetConsumer,
  unsettled
} from "../support/Streams.ts"
import type { TestNats } from "../support/servers/TestNats.ts"

type World = Effect.Success<ReturnType<typeof carillon>>

const ids = Array.from({ length: 30 }, (_, index) => `m-${index}`)

/** Each to a chat of its own: one chat that is told to wait would have them wait for each other. */
const toEach = (id: string, index: number) => command(id, 0, { recipient: { chatId: String(1_000 + index) } })

const owners = {
  "telegram-gateway-default-normal": "telegram-gateway",
  "dispatcher-failures": "dispatcher",
  "scheduler-retries": "scheduler"
} as const

/** Each message is sent at its second attempt; then the log is given anew. */
const repeatsNothing = Effect.fnUntraced(function* (
  givenAnew: (world: World) => Effect.Effect<unknown>,
  processes: NonNullable<Settings["processes"]> = []
) {
  const failedOnce = new Set<string>()
  const world = yield* carillon({
    processes,
    answer: ({ text }, method) => {
      if (method !== "sendMessage" || failedOnce.has(text)) return undefined
      failedOnce.add(text)
      return Reply.ApiError({ code: 429, description: "wait", parameters: { retry_after: 1 } })
    }
  })
  const { nats, database, phones, start } = world
  yield* start
  yield* publishPlainly(nats.url, [...ids.map(toEach), command("later", 3_600_000)])
  const sent = database.query("select 1 from carillon.scheduled_messages where status = 'sent'")
  yield* eventually("all sent", sent, ({ length }) => length === ids.length)
  yield* forgetDuplicates(nats.url)
  yield* givenAnew(world)
  yield* publishPlainly(nats.url, [command("new", 0)])
  yield* eventually("one more sent", sent, ({ length }) => length === ids.length + 1)
  yield* eventually("all settled", unsettled(nats.url), (left) => left === 0)
  assert.strictEqual(phones.received.length, ids.length + 1)
  for (const type of ["dispatched", "attempt-failed", "retry-scheduled"]) {
    const said = (yield* eventsOf(nats.url, `carillon.event.${type}.>`)).map((event) =>
      JSON.stringify([(event.message as { readonly id: string }).id, event.attempt])
    )
    assert.strictEqual(new Set(said).size, said.length, type)
  }
  assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.later"])
})

describe("a consumer made anew", () => {
  for (const [durable, owner] of Object.entries(owners)) {
    it.live(`${durable} repeats nothing that was done long ago`, () =>
      repeatsNothing(
        ({ nats, services }) =>
          Effect.gen(function* () {
            yield* services[owner].kill9
            yield* deleteConsumer(nats.url, "EVENTS", durable)
            yield* services[owner].start
          }),
        [owner]
      )
    )
  }
})

describe("a consumer that forgets, and whose service notices nothing: its leader in a cluster was lost, or somebody set it back", () => {
  for (const durable of Object.keys(owners)) {
    it.live(`${durable} repeats nothing`, () =>
      repeatsNothing(({ nats }) => resetConsumer(nats.url, "EVENTS", durable))
    )
  }
})

/** As if it had been killed before it wrote down anything of how far its consumers are: it does so some moments later. */
const forgetGiven = ({ storeDir }: TestNats) =>
  Effect.sync(() => {
    const states = readdirSync(storeDir, { recursive: true, encoding: "utf8" }).filter((name) =>
      /obs.*\/o\.dat$/.test(name)
    )
    assert.isNotEmpty(states)
    for (const name of states) rmSync(join(storeDir, name))
  })

describe("a nats-server that was killed, and has forgotten what it gave and what was acknowledged", () => {
  it.live("has nothing repeated by services that go on", () =>
    repeatsNothing(({ nats }) => Effect.andThen(nats.kill9, Effect.andThen(forgetGiven(nats), nats.start)))
  )
  it.live("has nothing repeated by services that are started again as well", () =>
    repeatsNothing(
      ({ nats, services, start }) =>
        Effect.gen(function* () {
          yield* Effect.forEach(Object.values(services), ({ kill9 }) => kill9)
          yield* nats.kill9
          yield* forgetGiven(nats)
          yield* nats.start
          yield* start
        }),
      true
    )
  )
})
