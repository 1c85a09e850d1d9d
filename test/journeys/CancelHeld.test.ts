// Changing what is due and waits in a gateway's hands, for an operator here: nothing was sent, so it is not too late.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { natsClient } from "../support/NatsClient.ts"
import { publishPlainly } from "../support/PlainClient.ts"

/** All is due, and in the hands of a gateway that is paused. */
const held = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  const world = yield* carillon()
  yield* world.start
  const client = yield* natsClient(world.nats.url)
  const ask = (name: string, body: object) =>
    Effect.promise(async () => {
      const reply = await client.request(`carillon.api.${name}`, JSON.stringify(body), { timeout: 60_000 })
      return reply.json() as { readonly status: string }
    })
  yield* ask("pause", { platform: "telegram" })
  yield* publishPlainly(
    world.nats.url,
    ids.map((id, index) => command(id, 500, { recipient: { chatId: `${1_000 + index}` } }))
  )
  const count = world.database.query("select 1 from carillon.message_events where type = 'dispatched'")
  yield* eventually("all are dispatched", count, (rows) => rows.length === ids.length)
  const typesOf = (id: string) =>
    Effect.map(
      world.database.query("select type from carillon.message_events where message_id = $1 order by sequence", [id]),
      (rows) => rows.map(({ type }) => type as string)
    )
  return { ...world, ask, typesOf, publish: (subject: string, text: string) => client.publish(subject, text) }
})

const ended = ({ database }: { readonly database: Parameters<typeof statusOf>[0] }, id: string) =>
  eventually(`${id} has ended`, statusOf(database, id), (status) => status === "sent" || status === "cancelled")

describe("a message that a gateway holds", () => {
  it.live("is cancelled, and does not go out when the gateway goes on", () =>
    Effect.gen(function* () {
      const world = yield* held(["held", "other"])
      assert.strictEqual((yield* world.ask("cancel", { id: "held" })).status, "cancelled")
      yield* world.ask("resume", { platform: "telegram" })
      assert.strictEqual(yield* ended(world, "other"), "sent")
      assert.strictEqual(yield* ended(world, "held"), "cancelled")
      assert.deepStrictEqual(
        world.phones.received.map(({ text }) => text),
        ["text of other"]
      )
    })
  )

  it.live("is rescheduled, and goes out once, at its new time", () =>
    Effect.gen(function* () {
      const world = yield* held(["moved"])
      const dueAt = new Date(Date.now() + 6_000).toISOString()
      assert.strictEqual((yield* world.ask("reschedule", { id: "moved", dueAt })).status, "rescheduled")
      yield* world.ask("resume", { platform: "telegram" })
      assert.strictEqual(yield* ended(world, "moved"), "sent")
      assert.strictEqual(world.phones.received.length, 1)
      assert.isAtLeast(Date.now(), Date.parse(dueAt))
    })
  )

  it.live("comes again and goes out once, if it is asked back and not changed", () =>
    Effect.gen(function* () {
      const world = yield* held(["kept"])
      const givenBack = Effect.tap(world.typesOf("kept"), () =>
        Effect.sync(() => world.publish("carillon.asked-back", "kept"))
      )
      yield* eventually("it is given back", givenBack, (types) => types.includes("retry-scheduled"))
      yield* world.ask("resume", { platform: "telegram" })
      assert.strictEqual(yield* ended(world, "kept"), "sent")
      assert.strictEqual(world.phones.received.length, 1)
    })
  )

  it.live("is cancelled or sent, as the answer says, when the gateway goes on at that moment", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 200 }, (_, index) => `race-${index}`)
      const world = yield* held(ids)
      const resume = Effect.delay(world.ask("resume", { platform: "telegram" }), 300)
      const cancel = (id: string, index: number) => Effect.delay(world.ask("cancel", { id }), index * 4)
      const cancels = Effect.forEach(ids, cancel, { concurrency: "unbounded" })
      const [answers] = yield* Effect.all([cancels, resume], { concurrency: "unbounded" })
      const cancelled = ids.filter((_, index) => answers[index]?.status === "cancelled")
      const statuses = yield* Effect.forEach(ids, (id) => ended(world, id), { concurrency: 5 })
      assert.deepStrictEqual(
        ids.filter((_, index) => statuses[index] === "cancelled"),
        cancelled
      )
      assert.deepStrictEqual(
        world.phones.received.map(({ text }) => text.replace("text of ", "")).sort(),
        ids.filter((id) => !cancelled.includes(id)).sort()
      )
      assert.isTrue(cancelled.length > 0 && cancelled.length < ids.length, `${cancelled.length} cancelled: no race`)
    })
  )
})
